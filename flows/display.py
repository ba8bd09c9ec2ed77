"""How a run looks at a terminal: live bars, then the table and the verdict in words."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from hm_pipeline.evaluation.evaluate import METRICS
from hm_pipeline.evaluation.table import Cell, Row, at_level
from hm_pipeline.progress import Step
from hm_pipeline.report.outcome import Outcome
from hm_pipeline.studies.page import Told, page
from tasks.progress import listening
from tasks.settings import settings

console = Console(highlight=False)
_SHORT = {
    "precision": "prec.",
    "coverage": "cover.",
    "overlap": "overl.",
    "personalization": "pers.",
    "novelty": "nov.",
    "novelty_sales": "n.sales",
    "empty_lists": "empty",
    "seconds": "s",
    "peak MB": "MB",
}


class Bars:
    """A bar a stage; a stage that is done keeps its line and its last figures."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stages: dict[str, TaskID] = {}
        self.begun: dict[str, float] = {}

    def __call__(self, step: Step, /) -> None:
        """Draw the step; a stage's rate follows from its own clock."""
        if step.stage not in self.stages:
            self.stages[step.stage] = self.progress.add_task(step.stage, total=step.total, note="")
            self.begun[step.stage] = time.monotonic()
        note = " · ".join(part for part in (step.note, self._rate(step)) if part)
        stage = self.stages[step.stage]
        self.progress.update(stage, completed=step.done, total=step.total, note=note)

    def _rate(self, step: Step) -> str:
        spent = time.monotonic() - self.begun[step.stage]
        worth = step.total > 1_000 and step.done > 0 and spent > 1
        return f"{step.done / spent:,.0f}/s" if worth else ""


@contextmanager
def live(title: str) -> Iterator[None]:
    """Show every stage that runs meanwhile."""
    console.print(f"\n[bold]{title}[/bold]")
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True)),
    )
    with Progress(*columns, console=console, expand=True) as progress, listening(Bars(progress)):
        yield


def tell(outcome: Outcome) -> None:
    """The outcome of a night, all of it."""
    console.rule(f"[bold]{outcome.market} · {outcome.day}", align="left")
    console.print(
        f"{outcome.users_asked:,} users who came on the day before were asked; profile "
        f"[bold]{outcome.profile}[/]; shares in per cent, novelty in nats,"
        " ± one standard error, the best in [bold green]green[/]"
    )
    for level in ("", *outcome.table.attributes):
        for table in _tables(outcome, level):
            console.print(table)
    console.print(Panel(outcome.verdict, title=f"verdict of {outcome.day}", title_align="left"))
    for line in _lines(outcome):
        console.print(line, soft_wrap=True)


def _tables(outcome: Outcome, attribute: str) -> Iterator[Table]:
    """Metrics of items, or of the values of an attribute; as many tables as the terminal is narrow."""
    besides = () if attribute else ("empty_lists", "seconds", "peak MB")
    rows = at_level(outcome.table, [*METRICS, *besides], attribute)
    across = max((console.width - 12) // 8, 1)
    count = -(-len(rows) // across)
    for part in range(count):
        shown = rows[part * len(rows) // count : (part + 1) * len(rows) // count]
        yield _table(outcome, attribute, shown)


def _table(outcome: Outcome, attribute: str, rows: list[tuple[str, Row]]) -> Table:
    """Models down, metrics across."""
    table = Table(title=f"by {attribute or 'item'}", title_justify="left", padding=(0, 0, 0, 1), box=SIMPLE)
    table.add_column("model", no_wrap=True)
    for metric, _ in rows:
        table.add_column(_short(metric), justify="right")
    for place, model in enumerate(outcome.table.models):
        table.add_row(model, *(_cell(row.cells[place]) for _, row in rows))
    return table


def _short(metric: str) -> str:
    return _SHORT.get(metric, metric)


def _cell(cell: Cell) -> str:
    text = cell.text.replace("% ±", "\n±").replace(" ±", "\n±").replace("%", "")
    return f"[bold green]{text}[/]" if cell.best else text


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.champion is not None:
        ref = outcome.champion
        yield f"champion     {ref.kind} of {ref.day}, version {ref.version} of hm-{outcome.market}"
    if outcome.published_hr is not None:
        yield f"shown        the lists of the night before met {outcome.published_hr:.1%} of first visits"
    dear = ", ".join(f"{kind} {price:.4f}" for kind, price in outcome.prices.items() if price >= 0.00005)
    cost = f"{outcome.price:.4f} {outcome.currency}"
    yield f"cost         {cost} of training (deploy/pools.toml has the rates): {dear}"
    if outcome.lists is not None:
        yield f"lists        {outcome.lists}"
    if outcome.page is not None:
        yield f"report       {outcome.page}"
    for note in outcome.notes:
        yield f"note         {note}"
    if outcome.reused:
        yield "[bold]Nothing was recomputed: this day is decided, its results were read from storage.[/bold]"


def tell_mlflow() -> None:
    """How to look at what was logged."""
    uri = settings().mlflow_tracking_uri
    mlflow = Path(sys.executable).with_name("mlflow")
    command = f"open {uri}" if uri.startswith("http") else f"{mlflow} ui --backend-store-uri {uri}"
    console.print(f"\ncompare runs:  [bold]{command}[/bold]", soft_wrap=True)


def tell_study(told: Told) -> None:
    """The question, what was found, and every figure; as bare markdown where its tables are wider than the
    terminal, or where there is none."""
    text = page(told)
    widest = max((len(line) for line in text.splitlines() if line.startswith("|")), default=0)
    if console.is_terminal and widest <= console.width:
        console.print(Markdown(text))
    else:
        console.print(text, markup=False, soft_wrap=True)
