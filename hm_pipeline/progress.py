"""How long work tells how far it is, without knowing who listens.

A library function takes a `Progress` and calls it; the command line draws bars, a worker writes log
lines, a test collects, and `silent` is the default.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """One sign of life of a stage: `done` of `total` units, with a short text of current figures."""

    stage: str  # "train lstm", "extract", …: the same text for all steps of one bar
    done: float
    total: float
    note: str = ""  # "epoch 3/8 · loss 5.31 · hr .142 · 9,800 targets/s"


class Progress(Protocol):
    """Whoever wants to know."""

    def __call__(self, step: Step, /) -> None:
        """Take note; never raise, never block."""
        ...


def silent(step: Step, /) -> None:
    """Nobody listens."""
