"""Taking users who asked to be forgotten out of one stage's stored result."""

import shutil
from collections.abc import Callable
from pathlib import Path

from hm_pipeline.data.erasure import (
    forget_in_catalogue,
    forget_in_log,
    forget_in_quarantine,
    forget_in_samples,
    forget_in_table,
)
from hm_pipeline.models.release import forget as forget_in_release
from hm_pipeline.storage import find, materialise, rewrite, sweep
from tasks.scratch import scratch
from tasks.settings import settings


def forget(prefix: str, users: frozenset[str]) -> bool:
    """Rewrite one stage result without these users; whether it held any.

    DamagedError where it cannot be read, ConflictError where another run rewrites it.
    """
    storage, way = settings().storage, _WAYS.get(prefix.split("/")[2])
    manifest = find(storage, prefix)
    if way is None or manifest is None:
        return False
    sweep(storage, manifest)  # a rewrite that was killed leaves the files it replaced
    shutil.rmtree(settings().work / "cache" / prefix, ignore_errors=True)
    with scratch() as place:
        copy = place / "copy"
        shutil.copytree(materialise(storage, manifest, place / "fetched"), copy)
        if not way(copy, users):
            return False
        rewrite(storage, manifest, copy, manifest.facts)
    return True


def _forget_window(folder: Path, users: frozenset[str]) -> int:
    return forget_in_log(folder / "log", users) + forget_in_catalogue(folder / "catalogue", users)


def _forget_lists(folder: Path, users: frozenset[str]) -> int:
    return forget_in_table(folder / "lists.parquet", users)


_WAYS: dict[str, Callable[[Path, frozenset[str]], int]] = {
    "extract": _forget_window,
    "quarantine": lambda folder, users: forget_in_quarantine(folder / "quarantine.parquet", users),
    "samples": forget_in_samples,
    "model": forget_in_release,
    "lists": _forget_lists,
    "shard": _forget_lists,
}
