"""Users who asked to be forgotten, and data past its days: honoured at the start of the next run.

erase/market=SE/*.txt     below the raw root, one user id a line
"""

import secrets
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from prefect import task

from hm_pipeline.config import RunConfig
from hm_pipeline.data.erasure import (
    forget_in_catalogue,
    forget_in_log,
    forget_in_quarantine,
    forget_in_samples,
    forget_in_table,
    salted_hash,
)
from hm_pipeline.data.raw import expired
from hm_pipeline.models.release import forget as forget_in_release
from hm_pipeline.registry.ledger import Erasure
from hm_pipeline.registry.state import State
from hm_pipeline.storage import find, materialise, rewrite, sweep
from tasks import ledger, register
from tasks.alone import alone
from tasks.cache import drop_checkpoints
from tasks.checkpoints import ROOM
from tasks.code import revision
from tasks.erase_list import erase_list
from tasks.retry import ON_STORAGE, ON_STORAGE_OR_TRACKING
from tasks.scratch import scratch
from tasks.settings import settings


@task(name="erase", **ON_STORAGE_OR_TRACKING)  # again from its start: who is erased already is passed by
def erase(market: str, day: date) -> int:
    """Forget the newly listed users in everything kept, then say so in the ledger; how many there were."""
    if not to_forget(market):
        return 0
    with alone(f"{market}/erasing"):  # two would sweep away each other's rewrites
        return _erase(market, day, to_forget(market))


def _erase(market: str, day: date, new: frozenset[str]) -> int:
    if not new:
        return 0
    _drop_unfinished(market)
    drop_checkpoints(market)
    salt = _salt(market)
    touched = [key for key in _manifests(market) if _forget(key, new)]
    touched += register.forget_users(market, new)
    hashes = tuple(sorted(salted_hash(u, salt) for u in new))

    def entry(state: State) -> Erasure:
        return Erasure(seq=state.seq + 1, day=day, users=hashes, touched=tuple(touched), code=revision())

    ledger.amend(market, entry)
    return len(new)


def to_forget(market: str) -> frozenset[str]:
    """Listed users that the ledger does not know as erased."""
    listed = erase_list(market)
    if not listed:
        return listed
    known = {digest for entry in ledger.current(market).erasures for digest in entry.users}
    salt = _salt(market)
    return frozenset(u for u in listed if salted_hash(u, salt) not in known)


@task(name="prune", **ON_STORAGE)  # again from its start: the newest past day goes last
def prune(config: RunConfig, day: date) -> list[date]:
    """Delete what was made on days past `retention_days`, as of a run date whose raw data is there.

    What the ledger still shows stays.
    """
    market, storage = config.market.name, settings().storage
    now = ledger.current(market)
    shown = {ref.uri for ref in (now.champion, now.previous) if ref} | {now.lists}
    days = {d for entry in storage.keys(market) if (d := _day(entry.key)) is not None}
    gone = list(expired(days, config.market, max(day, now.newest or day)))
    for past in gone:
        entries = storage.keys(f"{market}/{past}")
        for entry in sorted(entries, key=lambda e: not e.key.endswith("/manifest.json")):
            if not any(uri and entry.key.startswith(f"{uri}/") for uri in shown):
                storage.delete(entry.key)  # the manifest first: what it names is never seen half there
        for room in ("cache", ROOM):
            shutil.rmtree(settings().work / room / market / str(past), ignore_errors=True)
    if gone:
        register.retire_users(market, now, max(gone))
    return gone


def _day(key: str) -> date | None:
    try:
        return date.fromisoformat(key.split("/")[1])
    except ValueError:
        return None


def _salt(market: str) -> str:
    """Drawn once a market: without it nobody can try ids against the ledger's hashes."""
    storage, key = settings().storage, f"{market}/salt"
    storage.create(key, secrets.token_hex(16).encode())
    return storage.read(key).decode()


def _manifests(market: str) -> list[str]:
    """The prefix of every stored stage result of the market."""
    found = settings().storage.keys(market)
    return [e.key.removesuffix("/manifest.json") for e in found if e.key.endswith("/manifest.json")]


def _drop_unfinished(market: str) -> None:
    """Delete checkpoints, and tries that no manifest names: a killed run left them, and its inputs may never
    come again.

    A run of the market that publishes at this very moment may lose its try; reading it says so.
    """
    storage, whole = settings().storage, set(_manifests(market))
    for entry in storage.keys(market):
        prefix, found, _ = entry.key.partition("/attempt-")
        if (found and prefix not in whole) or entry.key.split("/")[2:3] == [ROOM]:
            storage.delete(entry.key)


def _forget(prefix: str, users: frozenset[str]) -> bool:
    """Rewrite one stage result without these users; whether it held any."""
    forget = _WAYS.get(prefix.split("/")[2])
    storage = settings().storage
    manifest = find(storage, prefix)
    if forget is None or manifest is None:
        return False
    sweep(storage, manifest)  # a rewrite that was killed leaves the files it replaced
    shutil.rmtree(settings().work / "cache" / prefix, ignore_errors=True)
    with scratch() as place:
        copy = place / "copy"
        shutil.copytree(materialise(storage, manifest, place / "fetched"), copy)
        if not forget(copy, users):
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
