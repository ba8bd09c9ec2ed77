"""A clock whose hands the test moves: who sleeps on it wakes at once, later."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from embedded import run_night
from tiny_market import MARKET, views, write_day

from hm_pipeline.report.outcome import Outcome
from tasks.deadline import Clock, clocked


class Hands:
    """Starts at a UTC time; `meanwhile(n)` happens during the nth pause."""

    def __init__(self, at: str, meanwhile: Callable[[int], object] = lambda n: None) -> None:
        self.at, self.meanwhile = datetime.fromisoformat(at).replace(tzinfo=UTC), meanwhile
        self.pauses: list[float] = []  # seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += timedelta(seconds=seconds)
        self.meanwhile(len(self.pauses))


def at(time: str, day: date, arrives: Path | None = None) -> tuple[Outcome, list[float]]:
    """A night that begins at this time of its run date; `arrives`: a root whose D-1 comes in the second pause."""

    def meanwhile(pause: int) -> None:
        if arrives is not None and pause == 2:
            write_day(arrives, day - timedelta(days=1), views())

    hands = Hands(f"{day}T{time}", meanwhile)
    with clocked(hands.clock):
        return run_night(MARKET, day), hands.pauses
