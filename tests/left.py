"""All that a night leaves for others to see."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from embedded import Place, World
from tiny_market import MARKET

from hm_pipeline.registry.ledger import Decision, Entry
from tasks import ledger

Published = dict[str, bytes] | None


@dataclass(frozen=True)
class Left:
    """All that a night leaves for others to see."""

    published: Published
    champion: tuple[str, str, int, str] | None  # kind, day, version and where it lies
    entries: tuple[str, ...]  # of the ledger, in order
    aliases: dict[str, int]
    versions: list[tuple[Any, ...]]  # version, tag, value
    runs: list[tuple[Any, ...]]  # name and status of every MLflow run


def seen(world: World) -> Left:
    """What everybody sees now; fails where the pointer leads to something that is not whole."""
    with world.entered():
        now, entries = ledger.current(MARKET), ledger.entries(MARKET)
    ref = now.champion
    return Left(
        published=world.published(MARKET),
        champion=None if ref is None else (ref.kind, str(ref.day), ref.version, ref.uri),
        entries=tuple(_told(entry) for entry in entries),
        aliases=dict(mlflow_rows(world, "alias, version FROM registered_model_aliases")),
        versions=sorted(
            mlflow_rows(world, "version, key, value FROM model_version_tags WHERE key != 'hm.code'")
        ),
        runs=sorted(mlflow_rows(world, "name, status FROM runs")),
    )


def mlflow_rows(world: World, what: str) -> list[tuple[Any, ...]]:
    """Straight from MLflow's database: its client would keep the file of an earlier world open."""
    file = world.folder / "work" / "mlflow.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"SELECT {what}").fetchall()


def _told(entry: Entry) -> str:
    what = entry.verdict.reason if isinstance(entry, Decision) else ""
    return f"{entry.entry} {entry.day} {what}"


@dataclass(frozen=True)
class Unkilled:
    """Two nights that nobody killed, and where others start."""

    place: Place
    eve: Left
    tonight: Left
