"""Room for half-made things on this machine; what killed processes leave there holds users' data."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.settings import settings


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder, gone afterwards; what killed processes left in theirs goes before.

    A folder is locked as long as its process lives: an unlocked one is a dead one's.
    """
    place = settings().work / "scratch"
    folder, held = _made(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _made(place: Path) -> tuple[Path, int]:
    """Behind one door, so that nobody meets a folder between its making and its locking."""
    place.mkdir(parents=True, exist_ok=True)
    with place.with_name(".scratch.lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        for left in place.iterdir():
            _remove_if_dead(left)
        folder = Path(tempfile.mkdtemp(prefix="hm-", dir=place))
        return folder, _locked(folder)


def _locked(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    return handle


def _remove_if_dead(folder: Path) -> None:
    with suppress(BlockingIOError, FileNotFoundError):
        handle = _locked(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)
