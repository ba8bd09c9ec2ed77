"""What a piece of work cost: wall seconds and this process's peak memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc/self")


@dataclass
class Measured:
    """Filled when the work ends."""

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def measured() -> Iterator[Measured]:
    """Measure what happens inside."""
    cost = Measured()
    _forget_peak()
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - start
        cost.peak_mb = _peak_mb()


def _forget_peak() -> None:
    """Linux lets a process reset its high-water mark; elsewhere the mark is the whole process's."""
    with suppress(OSError):
        (_PROC / "clear_refs").write_text("5")


def _peak_mb() -> float:
    try:
        status = (_PROC / "status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        mark = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return mark / (1024 * 1024 if sys.platform == "darwin" else 1024)
