"""The most memory that a piece of work held."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc/self")


@dataclass
class Peak:
    """Filled when the work ends."""

    mib: float = 0.0  # of the whole process: Python, libraries and samples too


@contextmanager
def watched() -> Iterator[Peak]:
    """Remember the most that this process holds inside."""
    peak = Peak()
    with suppress(OSError):  # Linux forgets a mark when asked; elsewhere it is of the whole life
        (_PROC / "clear_refs").write_text("5")
    try:
        yield peak
    finally:
        peak.mib = _mib("VmHWM")


def held_mib() -> float:
    """What this process holds now; elsewhere than on Linux, what it held at most."""
    return _mib("VmRSS")


def _mib(name: str) -> float:
    try:
        return int((_PROC / "status").read_text().split(f"{name}:")[1].split()[0]) / 2**10
    except (OSError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 2**20 if sys.platform == "darwin" else most / 2**10
