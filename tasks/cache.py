"""What a worker has downloaded: nothing of it may outlive what it is a copy of, nor lie here unread for ever.

{HM_WORK}/cache/{market}/{day}/{stage}/{digest}/attempt-3f…     as in the bucket
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hm_pipeline.errors import StorageError
from tasks.checkpoints import POINTER, ROOM, Mirror
from tasks.settings import settings

UNREAD_DAYS = 7.0  # what nights read, they read every night; whatever else is wanted is downloaded again


def tidy(market: str) -> None:
    """Remove copies and checkpoints of this machine that were erased or are past retention in storage, and
    copies that nobody has read for a week.

    An erasure rewrites what lies in storage, and knows nothing of the disks of other machines. Housekeeping
    costs no night: where storage or the disk fails, the next run does it.
    """
    if "://" in settings().root:  # nothing is downloaded from a folder
        with suppress(StorageError, OSError):
            _tidy(market)


def _tidy(market: str) -> None:
    for day in (settings().work / "cache" / market).glob("*"):
        copies = list(day.glob("*/*/attempt-*"))
        unread = [copy for copy in copies if _last_read(copy) < time.time() - UNREAD_DAYS * 86_400]
        for copy in (*unread, *_outlived(day, set(copies).difference(unread))):
            shutil.rmtree(copy, ignore_errors=True)
    for mirror in _idle(market):
        if not settings().storage.keys(mirror.key):  # an erasure dropped it: this may know who was erased
            shutil.rmtree(mirror.folder, ignore_errors=True)


def _last_read(copy: Path) -> float:
    """When a file of it was last read or written, in seconds since 1970.

    Whoever uses a copy reads all of it, and Linux notes that once a day (relatime). Where a disk is mounted
    with noatime, it is the download that counts.
    """
    try:
        files = [file.stat() for file in copy.rglob("*") if file.is_file()]
        return max([copy.stat().st_mtime, *(max(file.st_atime, file.st_mtime) for file in files)])
    except FileNotFoundError:  # another run downloads it or takes it away at this moment
        return time.time()


def _outlived(day: Path, copies: set[Path]) -> Iterator[Path]:
    """Those of a run date whose original was rewritten or is gone; one listing answers for all."""
    if not copies:
        return
    there = {entry.key for entry in settings().storage.keys(f"{day.parent.name}/{day.name}")}
    tries = {"/".join(key.split("/")[:5]) for key in there}
    for copy in copies:
        key, manifest = "/".join(copy.parts[-5:]), "/".join([*copy.parts[-5:-1], "manifest.json"])
        if key not in tries or manifest not in there:
            yield copy


def drop_checkpoints(market: str) -> None:
    """Remove the checkpoints of this machine from which nobody trains: they may know who is erased."""
    for mirror in _idle(market):
        shutil.rmtree(mirror.folder, ignore_errors=True)


def _idle(market: str) -> list[Mirror]:
    """Checkpoints that lie here, at whatever depth older code left them, and that nobody trains from."""
    root = settings().work / ROOM / market
    walked = os.walk(root)  # which passes by what a training sweeps away at this moment
    places = [Path(folder).relative_to(root).parts for folder, _, files in walked if POINTER in files]
    found = [Mirror.of(market, day, Path(*name)) for day, *name in places]
    return [mirror for mirror in found if not mirror.is_in_use()]
