"""How a run looks at a terminal: live bars, then the table and the verdict in words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from hm_pipeline.progress import Step
from tasks.progress import listening
from tasks.report import Outcome
from tasks.settings import settings

console = Console(highlight=False)


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
        BarColumn(bar_width=18),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress, listening(Bars(progress)):
        yield


def tell(outcome: Outcome) -> None:
    """The outcome of a night, all of it."""
    console.print(_table(outcome))
    console.print(Panel(outcome.verdict, title=f"verdict of {outcome.day}", title_align="left"))
    for line in _lines(outcome):
        console.print(line, soft_wrap=True)


def _table(outcome: Outcome) -> Table:
    title = (
        f"{outcome.market} · {outcome.day} · {outcome.users_asked:,} users who came on the day before · "
        f"profile {outcome.profile}"
    )
    table = Table(title=title, title_justify="left", caption="± one standard error; best in bold green")
    table.add_column("metric")
    for model in outcome.table.models:
        table.add_column(model, justify="right")
    for row in outcome.table.rows:
        cells = (f"[bold green]{c.text}[/]" if c.best else c.text for c in row.cells)
        table.add_row(row.metric, *cells)
    return table


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.champion is not None:
        ref = outcome.champion
        yield f"champion     {ref.kind} of {ref.day}, version {ref.version} of hm-{outcome.market}"
    if outcome.published_hr is not None:
        yield f"shown        the lists of the night before met {outcome.published_hr:.1%} of first visits"
    price = sum(outcome.prices.values())
    yield f"cost         {price:.4f} in all: " + ", ".join(f"{k} {p:.4f}" for k, p in outcome.prices.items())
    if outcome.lists is not None:
        yield f"lists        {outcome.lists}"
    for note in outcome.notes:
        yield f"note         {note}"
    if outcome.reused:
        yield "[bold]Nothing was recomputed: this day is decided, its results were read from storage.[/bold]"


def tell_mlflow() -> None:
    """How to look at what was logged."""
    uri = settings().mlflow_tracking_uri
    command = f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite:") else f"open {uri}"
    console.print(f"\ncompare runs:  [bold]{command}[/bold]", soft_wrap=True)
