"""The disk's own calls that a folder's promises rest on."""

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free space, then run again",
    errno.EDQUOT: "the quota is used up: free space, then run again",
    errno.EFBIG: "the file is larger than this disk or process may write: raise the limit",
    errno.EACCES: "give this user the right to read and write there",
    errno.EPERM: "give this user the right to read and write there (hard links included)",
    errno.EROFS: "the disk is read-only: choose another root",
    errno.ENOTDIR: "a file lies where a folder is needed: move it away or choose another root",
    errno.EXDEV: "a link below the root leads to another disk: make that disk a root of its own",
    errno.EISDIR: "a folder lies where a file is needed: move it away or choose another key",
}


def remedy(error: OSError) -> str:
    """What to do about it."""
    return _REMEDIES.get(error.errno or 0, "check the path and the disk")


def link(part: Path, target: Path) -> bool:
    """A second name for the file; False where the target exists: of many racers one gets through."""
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    return True


def in_its_folder(move: Callable[[Path, Path], bool], part: Path, target: Path) -> bool:
    """Make the folder and move; again if a `delete` takes the empty folder away just then."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            _make(target.parent)
            return move(part, target)
    raise FileNotFoundError(errno.ENOENT, "the folder vanishes each time it is made", str(target.parent))


def _make(folder: Path) -> None:
    """Make the folder; FileNotFoundError where somebody takes it, or one above it, away meanwhile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        if folder.exists():  # a file
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder)) from None


def remove_if_dead(part: Path) -> None:
    """Delete a file that no living process holds locked."""
    with suppress(FileNotFoundError, BlockingIOError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()


def flush_folder(folder: Path) -> None:
    """Bring the new name itself to the disk."""
    with suppress(FileNotFoundError):  # deleted already
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
