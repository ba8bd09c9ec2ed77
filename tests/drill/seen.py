"""What everybody sees of a market, and what nobody should find: the published lists, the champion, orphans."""

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from drill.prefect_api import ALIVE, Prefect
from hm_pipeline.storage import Manifest, Storage
from tasks import ledger
from tasks.settings import settings


def published(market: str) -> dict[str, Any]:
    """Digest of the lists that `latest` leads to, each file checked against its manifest; the champion.

    Raises where the pointer leads to something that is not whole.
    """
    now, storage = ledger.current(market), settings().storage
    keys = {entry.key for entry in storage.keys(market)}
    shown = json.loads(storage.read(f"{market}/latest.json")) if f"{market}/latest.json" in keys else {}
    ref = now.champion
    return {
        "lists": _digest(storage, shown["manifest"]) if shown else None,
        "lists_day": shown.get("day"),
        "stale": shown.get("stale", {}).get("expected"),
        "champion": None if ref is None else f"{ref.kind} {ref.day} {ref.uri}",
        "version": None if ref is None else ref.version,
    }


def _digest(storage: Storage, key: str) -> str:
    manifest = Manifest.model_validate_json(storage.read(key))
    content = hashlib.sha256()
    for record in manifest.files:
        found = hashlib.sha256(storage.read(f"{manifest.folder}/{record.name}")).hexdigest()
        assert found == record.sha256, f"{manifest.folder}/{record.name} is not what its manifest says"
        content.update(f"{record.name}={found};".encode())
    return content.hexdigest()[:16]


def is_whole(market: str, day: date) -> bool:
    """Whether the night came to its end."""
    return any(e.key.endswith("/manifest.json") for e in settings().storage.keys(f"{market}/{day}/report"))


def orphans(market: str, folder: Path, prefect: Prefect) -> list[str]:
    """All that a disturbed night might leave behind, each with its name."""
    return [
        *_tries(market),
        *_checkpoints(market, folder),
        *_scratch(folder),
        *_mlflow(market, folder),
        *_prefect(prefect),
    ]


def _tries(market: str) -> list[str]:
    """Folders of tries that no manifest names."""
    storage, keys = settings().storage, [e.key for e in settings().storage.keys(market)]
    tries = sorted({key.partition("/attempt-")[0] + _try(key) for key in keys if "/attempt-" in key})
    manifests = {key.removesuffix("/manifest.json"): key for key in keys if key.endswith("/manifest.json")}
    named = {
        f"{prefix}/{Manifest.model_validate_json(storage.read(key)).attempt}"
        for prefix, key in manifests.items()
        if any(one.startswith(f"{prefix}/") for one in tries)
    }
    return [f"try {one}" for one in tries if one not in named]


def _try(key: str) -> str:
    return "/attempt-" + key.partition("/attempt-")[2].partition("/")[0]


def _checkpoints(market: str, folder: Path) -> list[str]:
    """In the bucket and on the worker."""
    keys = [e.key for e in settings().storage.keys(market) if "/checkpoints/" in e.key]
    files = [str(file) for file in (folder / "work" / "checkpoints" / market).rglob("*") if file.is_file()]
    return [f"checkpoint {one}" for one in (*keys, *files)]


def _scratch(folder: Path) -> list[str]:
    """Half-made things on the worker; a run that lives may have some."""
    place = folder / "work" / "scratch"
    return [f"scratch {one.name}" for one in place.iterdir()] if place.exists() else []


def _mlflow(market: str, folder: Path) -> list[str]:
    """Runs that look alive, and an alias that is not the ledger's."""
    with closing(sqlite3.connect(f"file:{folder / 'mlflow.db'}?mode=ro", uri=True, timeout=30)) as database:
        running = database.execute("SELECT name FROM runs WHERE status = 'RUNNING'").fetchall()
        aliases = dict(
            database.execute(
                "SELECT alias, version FROM registered_model_aliases WHERE name = ?", (f"hm-{market}",)
            ).fetchall()
        )
    ref = ledger.current(market).champion
    wrong = ref is not None and int(aliases.get("champion", 0)) != ref.version
    return [f"MLflow run {name}" for (name,) in running] + [f"alias champion: {aliases}"] * wrong


def _prefect(prefect: Prefect) -> list[str]:
    """Runs that are alive on the server, and places that somebody holds."""
    alive = [f"run {run['name']} {run['state_name']}" for run in prefect.runs(ALIVE)]
    held = prefect.slots_held("gpu")
    return alive + [f"{held:g} slot of limit gpu"] * bool(held)
