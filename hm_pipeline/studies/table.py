"""An answer as markdown: the sentence, the figures, the differences, what to know before believing them."""

from collections.abc import Iterator, Sequence

from hm_pipeline.evaluation.table import lower_is_better
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.statistics import Gap, Spread
from hm_pipeline.studies.words import amount, sentence

_NOISE = (
    "± is one standard error over seeds; a difference is more than noise where its 95% t interval over seeds "
    "leaves out zero and it exceeds 1.96 paired standard errors over users. `detectable`: the smallest true "
    "difference that would have been found in four of five cases."
)


def markdown(answer: Answer) -> str:
    """The whole answer; the figure is called answer.png."""
    parts = [
        f"# {answer.study.question}",
        sentence(answer),
        _figures(answer),
        *(_differences(answer, metric) for metric in answer.study.metrics[:1]),
        _read(answer),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(answer: Answer) -> str:
    """Every metric of every setting, the thesis's beside ours where it has one."""
    metrics = [m for m in answer.study.metrics if any(m in line.figures for line in answer.lines)]
    theirs = [m for m in metrics if any(m in line.thesis for line in answer.lines)]
    columns = [(m, old) for m in metrics for old in ((False, True) if m in theirs else (False,))]
    head = ["setting", *(f"{m}, thesis" if old else m for m, old in columns), "s a fit"]
    rows = [
        [
            line.label,
            *(_thesis(line, m) if old else _figure(line, m) for m, old in columns),
            "-" if line.seconds is None else f"{line.seconds:,.0f}",
        ]
        for line in answer.lines
    ]
    return _table(head, rows)


def _figure(line: Line, metric: str) -> str:
    found = line.figures.get(metric)
    return "not identifiable" if line.not_identifiable else "-" if found is None else _spread(metric, found)


def _spread(metric: str, found: Spread) -> str:
    error = "" if found.se is None else f" ±{amount(metric, found.se).split()[0]}"
    sign = "" if metric.startswith("novelty") else "%"
    return f"{amount(metric, found.mean).split()[0]}{sign}{error}"


def _thesis(line: Line, metric: str) -> str:
    return f"{line.thesis[metric]:g}" if metric in line.thesis else "-"


def _differences(answer: Answer, metric: str) -> str:
    """Against the reference: interval over seeds, standard error over users, what would have been seen."""
    unit = "nats" if metric.startswith("novelty") else "percentage points"
    head = [
        f"{metric}, {unit}",
        "against",
        "difference",
        "95% over seeds",
        "± users",
        "detectable",
        "more than noise",
    ]
    rows = [
        [line.label, answer.reference(line).label, *_difference(metric, line.gaps[metric])]
        for line in answer.lines
        if metric in line.gaps
    ]
    return _table(head, rows) if rows else ""


def _difference(metric: str, gap: Gap) -> Iterator[str]:
    yield amount(metric, gap.mean, "+").split()[0]
    known = gap.low is not None and gap.high is not None
    yield f"{_bare(metric, gap.low)} … {_bare(metric, gap.high)}" if known else "-"
    yield _bare(metric, gap.users_se, "")
    yield _bare(metric, gap.detectable, "")
    good = (gap.mean > 0) != lower_is_better(metric)
    yield ("**better**" if good else "**worse**") if gap.is_more_than_noise else "no"


def _bare(metric: str, figure: float | None, sign: str = "+") -> str:
    return "-" if figure is None else amount(metric, figure, sign).split()[0]


def _read(answer: Answer) -> str:
    """Who was asked, how often, and what ± means."""
    study, traits = answer.study, answer.traits
    seeds = "one seed" if len(study.seeds) == 1 else f"{len(study.seeds)} paired seeds"
    reasons = dict.fromkeys(line.not_identifiable for line in answer.lines if line.not_identifiable)
    lines = [
        f"Market `{answer.market}`, run date {answer.day}, profile `{answer.profile}`, protocol "
        f"`{study.protocol}` ({answer.holdout}), {answer.users:,} users asked, {seeds}.",
        _NOISE,
        f"The log: {traits.interactions:,} interactions of {traits.users:,} users with {traits.items:,} "
        f"items; {traits.returning:.1%} of the users return on another day; a history has "
        f"{traits.median_length:g} in the median, {traits.longest} at most; {traits.tied:.0%} of a day's "
        "neighbours have one stamp.",
        *(f"Not identifiable: {reason}." for reason in reasons),
    ]
    if study.thesis is not None:
        lines.append(f"Thesis: {study.thesis.source}, on H&M's own data; per cent, novelty in its own unit.")
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
