"""What a fault is, and what was broken by it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from drill.stand import Stand


@dataclass(frozen=True)
class Injury:
    """One thing that was killed or broken; a line of drill.jsonl."""

    broken: str  # what
    when: str  # in which stage
    seen: str = ""  # how the run that was hit ended
    healers: tuple[str, ...] = ()  # besides the check for gaps


Strike = Callable[[Stand, list[date]], list[Injury]]


@dataclass(frozen=True)
class Fault:
    """A named way to break a night of each of `days` run dates; the strike returns when nothing is broken any more.

    `leaves_stale`: until it is healed readers see yesterday's lists, marked as stale.
    """

    name: str
    strike: Strike
    days: int = 1
    leaves_stale: bool = False

    @property
    def sentence(self) -> str:
        """What is done, and what must be true afterwards."""
        told = self.strike.__doc__ or ""
        return " ".join(told.split())


class SkippedError(Exception):
    """This fault cannot be injected here; why."""
