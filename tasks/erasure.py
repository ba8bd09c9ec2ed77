"""Users who asked to be forgotten, and data past its days: honoured at the start of the next run.

erase/market=SE/*.txt     below the raw root, one user id a line
"""

import logging
import secrets
import shutil
from collections import defaultdict
from datetime import date

from prefect import task

from hm_pipeline.config import RunConfig
from hm_pipeline.data.erasure import salted_hash
from hm_pipeline.data.raw import expired
from hm_pipeline.errors import DamagedError
from hm_pipeline.registry.ledger import Erasure
from hm_pipeline.registry.state import State
from hm_pipeline.storage import find
from tasks import ledger, register
from tasks.alone import alone
from tasks.cache import drop_checkpoints
from tasks.checkpoints import ROOM
from tasks.code import revision
from tasks.erase_list import erase_list
from tasks.forgetting import forget
from tasks.retry import ON_STORAGE_OR_TRACKING
from tasks.settings import settings

log = logging.getLogger("hm")


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
    salt, shown, there = _salt(market), _shown(ledger.current(market)), _manifests(market)
    touched = [key for key in there if _forgotten(key, new, shown)]
    touched += register.forget_users(market, new)
    hashes = tuple(sorted(salted_hash(u, salt) for u in new))

    def entry(state: State) -> Erasure:
        return Erasure(seq=state.seq + 1, day=day, users=hashes, touched=tuple(touched), code=revision())

    ledger.amend(market, entry)
    for key in set(_manifests(market)).difference(there):  # stored before the entry could be seen there
        _forgotten(key, new, shown)
    register.forget_users(market, new)
    log.info("%s: %d users forgotten, in %d results and versions", market, len(new), len(touched))
    return len(new)


def _forgotten(prefix: str, users: frozenset[str], shown: set[str | None]) -> bool:
    """`forget`; what cannot be read, and so may hold them, is dropped, but for what the ledger shows."""
    try:
        return forget(prefix, users)
    except DamagedError as error:
        if prefix in shown:
            raise
        log.warning("%s: dropped, since nobody can be looked for in it: %s", prefix, error)
        _drop(prefix)
        return True


def _shown(now: State) -> set[str | None]:
    """The prefixes of what the ledger still shows."""
    return {ref.uri for ref in (now.champion, now.previous) if ref} | {now.lists}


def _drop(prefix: str) -> None:
    """Delete a stage's result: the manifest first, so that what it names is never seen half there."""
    storage = settings().storage
    entries = list(storage.keys(prefix))
    for entry in sorted(entries, key=lambda e: not e.key.endswith("/manifest.json")):
        storage.delete(entry.key)


def to_forget(market: str) -> frozenset[str]:
    """Listed users that the ledger does not know as erased."""
    listed = erase_list(market)
    if not listed:
        return listed
    known = {digest for entry in ledger.current(market).erasures for digest in entry.users}
    salt = _salt(market)
    return frozenset(u for u in listed if salted_hash(u, salt) not in known)


@task(name="prune", **ON_STORAGE_OR_TRACKING)  # again from its start: the newest past day goes last
def prune(config: RunConfig, day: date) -> list[date]:
    """Delete what was made on days past `retention_days`, as of a run date whose raw data is there.

    What the ledger still shows stays.
    """
    market, storage = config.market.name, settings().storage
    now = ledger.current(market)
    shown = _shown(now)
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

    A try that becomes whole meanwhile is let be; `publish` looks after itself what it lost before that.
    """
    storage, tries = settings().storage, defaultdict[str, list[str]](list)
    for entry in list(storage.keys(market)):
        prefix, found, _ = entry.key.partition("/attempt-")
        if found:
            tries[prefix].append(entry.key)
        elif entry.key.split("/")[2:3] == [ROOM]:
            storage.delete(entry.key)
    whole = set(_manifests(market))  # after the tries: who ends in between is among them
    for prefix, keys in tries.items():
        if prefix not in whole and find(storage, prefix) is None:
            for key in keys:
                storage.delete(key)
