"""The deadline against the clock: the one place that compares the two, and how late data is waited for.

The clock decides how long to wait and how long a fit may take, never which data is read. A deadline is kept
by a run whose day has begun and whose deadline is still to come; a backfill has none left to keep.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from hm_pipeline.config import RunConfig
from hm_pipeline.data.days import start_of
from hm_pipeline.data.deadline import instant_of, minutes_for_fit
from hm_pipeline.errors import LateDataError, MissingPartitionsError
from hm_pipeline.progress import Step
from tasks.progress import tell
from tasks.run import Run

T = TypeVar("T")
LATE = (LateDataError, MissingPartitionsError)
_FIRST_ZONE = timedelta(hours=14)  # where a day begins first on earth, ahead of UTC


@dataclass(frozen=True)
class Clock:
    """What time it is, and how to let some pass."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]  # seconds


_clocks = [Clock(lambda: datetime.now(UTC), time.sleep)]


@contextmanager
def clocked(clock: Clock) -> Iterator[None]:
    """Let this process go by another clock meanwhile."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)


def deadline_ahead(config: RunConfig, day: date) -> datetime | None:
    """The instant by which the lists of `day` must be there; None where there is none left to keep."""
    if config.publish.publish_by is None:
        return None
    zone = config.market.timezone
    deadline = instant_of(day, config.publish.publish_by, zone)
    return deadline if start_of(day, zone) <= _clocks[-1].now() < deadline else None


def has_passed(config: RunConfig, day: date) -> bool:
    """Whether the market has a deadline and the one of this day is over."""
    by, zone = config.publish.publish_by, config.market.timezone
    return by is not None and _clocks[-1].now() >= instant_of(day, by, zone)


def has_begun(day: date) -> bool:
    """Whether a day has begun anywhere: nothing can be late of one that has not."""
    return day <= (_clocks[-1].now() + _FIRST_ZONE).date()


def minutes_for(run: Run, kind: str, spent: float = 0.0) -> float | None:
    """For how long a kind may train from now: its share of the time to the deadline, and no longer than what
    is left of `max_train_minutes` after those `spent`.

    The nets that are trained after it, and the refit of the winner, need as long again.
    """
    publish = run.config.publish
    shares = max(run.config.nets_from(kind), 1) + publish.refit
    left = _minutes_left(run.config, run.day)
    most = publish.max_train_minutes
    return minutes_for_fit(
        left, publish.reserve_minutes, shares, None if most is None else max(most - spent, 0.0)
    )


def awaited(look: Callable[[], T], config: RunConfig, day: date) -> T:
    """What `look` finds; where it is late, looked for again every `poll_minutes` until the deadline.

    With no deadline ahead its LateDataError or MissingPartitionsError is raised at once, as in the end.
    """
    waited = 0.0
    while True:
        try:
            return look()
        except LATE as error:
            left = _minutes_left(config, day)
            if left is None:
                raise
            pause = min(config.publish.poll_minutes, left)
            until = f"waiting until {config.publish.publish_by} ({config.market.timezone})"
            tell(Step("wait for data", waited, waited + left, f"{until}: {error}"))
            _clocks[-1].sleep(60 * pause)
            waited += pause


def _minutes_left(config: RunConfig, day: date) -> float | None:
    deadline = deadline_ahead(config, day)
    return None if deadline is None else (deadline - _clocks[-1].now()).total_seconds() / 60
