"""Other people's files into the raw layout, with a bar.

A bucket keeps the importer's record as `users/market=M/_import.json`, which readers pass over: what an
earlier import left there and this one does not make goes.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.display import console, live
from hm_pipeline.config import load
from hm_pipeline.data.importers.complete_journey import import_complete_journey
from hm_pipeline.data.importers.hm_kaggle import import_hm_kaggle
from hm_pipeline.data.importers.layout import Imported, days_of
from hm_pipeline.data.importers.table import import_table
from hm_pipeline.data.importers.uci_eshop import import_uci_eshop
from hm_pipeline.data.raw import ROOMS
from hm_pipeline.errors import NotThereError
from hm_pipeline.storage import Storage
from hm_pipeline.storage.folder import Folder
from tasks.progress import tell
from tasks.scratch import scratch
from tasks.settings import settings


def complete_journey(market: str) -> None:
    """The demo's log."""
    _import(market, lambda root: import_complete_journey(root, market, tell))


def hm_kaggle(folder: Path, market: str) -> None:
    """H&M's competition files."""
    _import(market, lambda root: import_hm_kaggle(folder, root, market, tell))


def uci_eshop(file: Path, market: str) -> None:
    """UCI's e-shop."""
    _import(market, lambda root: import_uci_eshop(file, root, market, tell))


def table(file: Path, market: str, articles: Path | None = None, users: Path | None = None) -> None:
    """Any table of interactions, as the market's TOML maps it."""
    config = load(settings().config, market).market
    _import(market, lambda root: import_table(file, root, config, tell, articles, users))


def _import(market: str, work: Callable[[Path], Imported]) -> None:
    """Straight into a folder; by way of this machine's scratch into a bucket."""
    raw = settings().raw_storage
    with live(f"import into {raw.uri}, market {market}"):
        if isinstance(raw, Folder):
            imported = work(Path(raw.uri))
        else:
            with scratch() as place:
                imported = _delivered(raw, market, place, work(place))
    counts = ", ".join(f"{n:,} {what}" for what, n in imported.counts.items())
    said = "imported" if imported.fresh else "already there"
    console.print(f"{said}: {counts}; {imported.first_day} to {imported.last_day}")
    if imported.removed:
        console.print(
            f"removed: {len(imported.removed)} days of an earlier import, {imported.removed[0]} to "
            f"{imported.removed[-1]}: an import is the whole market. To add a day, give all days at once, or "
            f"write it to web_interactions/market={market}/date=DAY/ yourself"
        )


def _delivered(raw: Storage, market: str, place: Path, imported: Imported) -> Imported:
    """From `place` into the bucket, unless the same import lies there."""
    key, made = f"users/market={market}/_import.json", place / ".imports" / f"{market}.json"
    before, after = _record(raw, key), json.loads(made.read_text())
    there = {e.key: e.size for room in ROOMS for e in raw.keys(f"{room}/market={market}")}
    if before.get("digest") == after["digest"] and after["files"].items() <= there.items():
        return replace(imported, fresh=False)
    old = before.get("files", {})
    raw.write(key, json.dumps({"files": old | after["files"]}).encode())  # from here on nothing is sure
    for path in after["files"]:
        raw.upload(place / path, path)
    gone = old.keys() - after["files"].keys()
    for path in gone:
        raw.delete(path)
    raw.write(key, made.read_bytes())
    return replace(imported, removed=days_of(gone))


def _record(raw: Storage, key: str) -> dict[str, Any]:
    try:
        return dict(json.loads(raw.read(key)))
    except NotThereError:
        return {}
