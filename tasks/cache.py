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
    for mirror in _idle(market):
        if not settings().storage.keys(mirror.key):  # an erasure dropped it: this may know who was erased
            shutil.rmtree(mirror.folder, ignore_errors=True)


def drop_checkpoints(market: str) -> None:
    """Remove the checkpoints of this machine from which nobody trains: they may know who is erased."""
    for mirror in _idle(market):
        shutil.rmtree(mirror.folder, ignore_errors=True)


def _idle(market: str) -> list[Mirror]:
    """Checkpoints that lie here, at whatever depth older code left them, and that nobody trains from."""
    root = settings().work / ROOM / market
    places = [pointer.parent.relative_to(root).parts for pointer in root.rglob(POINTER)]
    found = [Mirror.of(market, day, Path(*name)) for day, *name in places]
    return [mirror for mirror in found if not mirror.is_in_use()]
