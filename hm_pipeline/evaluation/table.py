"""Every metric beside every model: plain rows for a terminal, markdown for a report.

metric      popularity      itemknn
hr          11.10% ±0.31    **16.60% ±0.37**
…
seconds     0.1             1.2
peak MB     310             402
"""

from collections.abc import Iterable, Mapping, Sequence

from hm_pipeline.errors import ModelError
from hm_pipeline.evaluation.estimate import UNKNOWN, Estimate
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.frozen import Frozen
from hm_pipeline.markdown import table as markdown_table

_LOWER_IS_BETTER = ("overlap", "empty_lists", "short_lists")


class Cost(Frozen):
    """What a model took to fit."""

    seconds: float | None = None  # wall clock
    peak_mb: float | None = None  # the process's peak memory, MB


class Cell(Frozen):
    """One figure, ready to print."""

    text: str  # "16.60% ±0.37", "-" where it does not exist
    best: bool = False  # the best of its row; ties are all best, but not where all models are equal


class Row(Frozen):
    """One metric of every model, in the order of `Table.models`."""

    metric: str
    cells: tuple[Cell, ...]


class Table(Frozen):
    """One column a model, one row a metric, the costs last."""

    models: tuple[str, ...]
    rows: tuple[Row, ...]
    attributes: tuple[str, ...] = ()  # that the catalogue knows; where it knows none, every list hits in full


def comparison(
    evaluations: Mapping[str, Evaluation],
    costs: Mapping[str, Cost] | None = None,
    metrics: Sequence[str] | None = None,
) -> Table:
    """All metrics (or those named) of all models with the best of each marked, then what they cost.

    Raises ModelError where the models did not answer the same question.
    """
    _check_same_question(evaluations)
    names = metrics or list(dict.fromkeys(name for e in evaluations.values() for name in e.metrics))
    rows = [_row(name, [e.metrics.get(name, UNKNOWN) for e in evaluations.values()]) for name in names]
    return Table(
        models=tuple(evaluations),
        rows=tuple(rows + _cost_rows(list(evaluations), costs or {})),
        attributes=_known(evaluations.values()),
    )


def _known(evaluations: Iterable[Evaluation]) -> tuple[str, ...]:
    """The attributes that any profile knows; all were asked about one catalogue."""
    profiles = [e.profile for e in evaluations if e.profile is not None]
    return tuple(dict.fromkeys(mix.attribute for profile in profiles for mix in profile.known_mixes))


def at_level(table: Table, metrics: Sequence[str], attribute: str = "") -> list[tuple[str, Row]]:
    """(metric, its row) at item level, or at that of an attribute; metrics without a row are left out."""
    suffix, rows = f"_{attribute}" if attribute else "", {row.metric: row for row in table.rows}
    return [(metric, rows[metric + suffix]) for metric in metrics if metric + suffix in rows]


def markdown(table: Table) -> str:
    """A markdown table, the best in bold."""
    rows = ((row.metric, *map(_bold, row.cells)) for row in table.rows)
    return markdown_table(("metric", *table.models), rows)


def lower_is_better(metric: str) -> bool:
    """Whether a small figure is the good one; holds for the attribute levels too."""
    return metric.startswith(_LOWER_IS_BETTER)


def _check_same_question(evaluations: Mapping[str, Evaluation]) -> None:
    asked = {name: (e.question, e.k, e.n) for name, e in evaluations.items()}
    if len(set(asked.values())) > 1:
        said = ", ".join(f"{name}: question {q}, k {k}, {n} users" for name, (q, k, n) in asked.items())
        raise ModelError(f"cannot compare models that were asked differently ({said}); use one holdout")


def _row(metric: str, estimates: Sequence[Estimate]) -> Row:
    means = [e.mean for e in estimates if e.mean is not None]
    best = (min(means) if lower_is_better(metric) else max(means)) if len(set(means)) > 1 else None
    cells = (Cell(text=_text(metric, e), best=e.mean is not None and e.mean == best) for e in estimates)
    return Row(metric=metric, cells=tuple(cells))


def _text(metric: str, estimate: Estimate) -> str:
    """Shares in per cent, novelty in nats, the standard error in the same unit."""
    if estimate.mean is None:
        return "-"
    times, sign = (1, "") if metric.startswith("novelty") else (100, "%")
    error = "" if estimate.se is None else f" ±{times * estimate.se:.2f}"
    return f"{times * estimate.mean:.2f}{sign}{error}"


def _cost_rows(models: Sequence[str], costs: Mapping[str, Cost]) -> list[Row]:
    """Unmarked: a floor is always the cheapest. None where no cost was measured."""
    if not costs:
        return []
    known = [costs.get(model, Cost()) for model in models]
    seconds = tuple(Cell(text=_plain(cost.seconds, 1)) for cost in known)
    peak = tuple(Cell(text=_plain(cost.peak_mb, 0)) for cost in known)
    return [Row(metric="seconds", cells=seconds), Row(metric="peak MB", cells=peak)]


def _plain(figure: float | None, digits: int) -> str:
    return "-" if figure is None else f"{figure:,.{digits}f}"


def _bold(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.best else cell.text
