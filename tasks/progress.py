"""Who listens to the signs of life of this process: bars at a terminal, log lines on a worker."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hm_pipeline.progress import Progress, Step

log = logging.getLogger("hm")


def log_lines(step: Step, /) -> None:
    """A worker's way: one line for a stage's start, end and notes."""
    log.info("%s %.0f/%.0f %s", step.stage, step.done, step.total, step.note)


_listeners: list[Progress] = [log_lines]


def tell(step: Step, /) -> None:
    """Pass a step on to whoever listens now."""
    _listeners[-1](step)


def under(stage: str) -> Progress:
    """Steps of the library as steps of the stage that asked for them: one bar a stage."""
    return lambda step: tell(replace(step, stage=stage))


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Let `progress` hear everything this process does meanwhile."""
    _listeners.append(progress)
    try:
        yield
    finally:
        _listeners.remove(progress)
