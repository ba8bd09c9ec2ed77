"""How much of a log is in memory at once, and where the rest waits: no result depends on either."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hm_pipeline.data.log import InteractionLog

MEMORY_MB = 1_024  # for rows; ids and users come on top
_BYTES = 64  # a row takes while it is worked on, about
_WAITING = 16  # and while it waits
ENOUGH = 4_000_000  # rows at once: more of them fit into no cache, and take longer


@dataclass(frozen=True)
class Room:
    """For one log."""

    memory_mb: int
    scratch: Path | None = None  # where rows wait; None: they all wait in memory
    flat: Path | None = None  # where the flat array stays; None: in memory

    @property
    def rows(self) -> int:
        """That are worked on at once."""
        return min(max(self.memory_mb * 2**20 // _BYTES, 1), ENOUGH)


@contextmanager
def room_for(log: InteractionLog, place: Path | None, memory_mb: int) -> Iterator[Room]:
    """All in memory where that is enough, or where there is no place for the rest."""
    if place is None or log.size * _WAITING <= memory_mb * 2**20:
        yield Room(memory_mb)
        return
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rows-", dir=place) as scratch:
        yield Room(memory_mb, Path(scratch), place / "flat.npy")
