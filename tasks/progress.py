"""Who listens to the signs of life of this process: bars at a terminal, log lines on a worker."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from hm_pipeline.progress import Progress, Step

log = logging.getLogger("hm")
log.setLevel(logging.INFO)  # whoever has handlers decides what is shown; Prefect's API handler has no level
LOG_SECONDS = 30.0


class LogLines:
    """A worker's way: a line for the start and the end of a stage, and one now and then between them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.told: dict[str, float] = {}  # when a stage was last heard of

    def __call__(self, step: Step, /) -> None:
        """Log the step, unless the stage was heard of a moment ago."""
        now, is_end = self.clock(), step.done >= step.total
        if not is_end and now - self.told.get(step.stage, -LOG_SECONDS) < LOG_SECONDS:
            return
        self.told[step.stage] = now
        log.info("%s %.0f/%.0f %s", step.stage, step.done, step.total, step.note)


_listeners: list[Progress] = [LogLines()]


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
