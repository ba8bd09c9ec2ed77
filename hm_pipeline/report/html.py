"""An outcome as one HTML page that needs nothing else: no network, no script; figures and style lie in it.

Everything that came from a market's data is escaped by the template engine; figures are the one exception,
and they escape their own text.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from jinja2 import Environment, PackageLoader, StrictUndefined

from hm_pipeline.data.drift_report import words as drift_words
from hm_pipeline.evaluation.evaluate import METRICS
from hm_pipeline.evaluation.palette import styles
from hm_pipeline.evaluation.table import Cell, Table, at_level
from hm_pipeline.report.drawings import Drawings
from hm_pipeline.report.head import facts, in_short, standing
from hm_pipeline.report.markdown import spent
from hm_pipeline.report.metrics import Words, words
from hm_pipeline.report.outcome import Outcome

TEMPLATES = files("hm_pipeline.report") / "templates"
_BESIDES = ("empty_lists", "short_lists", "seconds", "peak MB")  # at item level only


@dataclass(frozen=True)
class Figure:
    """A cell, taken apart; the unit stands in the head of its column."""

    mean: str
    error: str  # one standard error, empty where there is none
    best: bool


@dataclass(frozen=True)
class Grid:
    """A table as it stands on the page: metrics across, models down."""

    title: str
    columns: tuple[Words, ...]
    lines: tuple[tuple[str, tuple[Figure, ...]], ...]  # a model and its figures


def html_page(outcome: Outcome, drawings: Drawings) -> str:
    """The whole page; the same arguments give the same text."""
    grids = [_grid(outcome.table), *(_grid(outcome.table, name) for name in outcome.table.attributes)]
    explained = [column for column in grids[0].columns if column.meaning]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            outcome=outcome,
            standing=standing(outcome),
            in_short=in_short(outcome),
            facts=list(facts(outcome)),
            grids=grids,
            explained=explained,
            drawings=drawings,
            styles=styles(outcome.table.models),
            findings=[(f, drift_words(f)) for f in (outcome.drift.findings if outcome.drift else ())],
            spent=spent(outcome.stages),
            longest=max((cost.seconds for cost in outcome.stages), default=0.0) or 1.0,
        )
    )


def templates_digest(folder: Traversable = TEMPLATES) -> str:
    """Twelve hex digits of the templates: a page is made anew when they change."""
    content = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        content.update(file.name.encode() + file.read_bytes())
    return content.hexdigest()[:12]


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("hm_pipeline.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _grid(table: Table, attribute: str = "") -> Grid:
    rows = at_level(table, [*METRICS, *(() if attribute else _BESIDES)], attribute)
    return Grid(
        title=f"By {attribute}" if attribute else "By item",
        columns=tuple(words(metric) for metric, _ in rows),
        lines=tuple(
            (model, tuple(_figure(row.cells[n]) for _, row in rows)) for n, model in enumerate(table.models)
        ),
    )


def _figure(cell: Cell) -> Figure:
    mean, _, error = cell.text.replace("%", "").partition(" ±")
    return Figure(mean, error, cell.best)
