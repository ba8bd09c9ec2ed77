"""Signs of life: bars in a terminal, now and then a line elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hm_pipeline.progress import Progress as Listener
from hm_pipeline.progress import Step

console = Console(highlight=False)
LINE_EVERY = 30.0  # seconds between the lines of one stage


class Bars:
    """A bar a stage, drawn anew when the stage begins again."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stages: dict[str, TaskID] = {}

    def __call__(self, step: Step, /) -> None:
        """Move the stage's bar."""
        if step.stage not in self.stages:
            self.stages[step.stage] = self.progress.add_task(step.stage, total=step.total, note="")
        task = self.stages[step.stage]
        if step.done < self.progress.tasks[self.progress.task_ids.index(task)].completed:
            self.progress.reset(task)
        self.progress.update(task, completed=step.done, total=step.total, note=step.note)


class Lines:
    """For a log file: a line when a stage is done, and every LINE_EVERY seconds meanwhile."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}

    def __call__(self, step: Step, /) -> None:
        """Say it, if it is time."""
        now = time.monotonic()
        if step.done < step.total and now - self.said.get(step.stage, now - LINE_EVERY) < LINE_EVERY:
            return
        self.said[step.stage] = now
        stamp = time.strftime("%H:%M:%S")
        console.print(
            f"{stamp}  {step.stage}  {step.done:,.0f}/{step.total:,.0f}  {step.note}", soft_wrap=True
        )


@contextmanager
def live() -> Iterator[Listener]:
    """Whoever listens while something runs."""
    if not console.is_terminal:
        yield Lines()
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=18),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)


def say(text: str) -> None:
    """One line, now."""
    console.print(text, soft_wrap=True)
