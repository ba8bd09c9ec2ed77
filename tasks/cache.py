"""What a worker has downloaded: nothing of it may outlive what it is a copy of."""

import shutil
from pathlib import Path

from hm_pipeline.storage import find
from tasks.checkpoints import POINTER, ROOM, Mirror
from tasks.settings import settings


def tidy(market: str) -> None:
    """Remove copies and checkpoints of this machine that were erased or are past retention in storage.

    An erasure rewrites what lies in storage, and knows nothing of the disks of other machines.
    """
    if "://" not in settings().root:
        return  # nothing is downloaded from a folder
    cache = settings().work / "cache" / market
    for attempt in cache.glob("*/*/*/attempt-*"):
        prefix = attempt.parent.relative_to(settings().work / "cache").as_posix()
        manifest = find(settings().storage, prefix)
        if manifest is None or manifest.attempt != attempt.name:
            shutil.rmtree(attempt, ignore_errors=True)
    for pointer in (settings().work / ROOM / market).glob(f"*/*/*/{POINTER}"):
        _tidy_checkpoints(market, pointer.parent)


def _tidy_checkpoints(market: str, folder: Path) -> None:
    """An erasure drops the copy in the bucket: what has none may know who was erased, unless it is so new."""
    day, *name = folder.relative_to(settings().work / ROOM / market).parts
    mirror = Mirror.of(market, day, Path(*name))
    if not mirror.is_in_use() and not settings().storage.keys(mirror.key):
        shutil.rmtree(folder, ignore_errors=True)
