"""The ledger in storage: read in order, appended under a condition."""

from collections.abc import Callable
from functools import lru_cache

from hm_pipeline.errors import ConflictError
from hm_pipeline.registry.ledger import Entry, Erasure, from_bytes, key_of, to_bytes
from hm_pipeline.registry.state import State, state
from tasks.settings import settings


def entries(market: str) -> list[Entry]:
    """Every entry of the market's ledger, oldest first."""
    storage = settings().storage
    found = storage.keys(f"{market}/ledger")
    return [_entry(storage.uri, entry.key, entry.version) for entry in found]


@lru_cache(maxsize=10_000)
def _entry(root: str, key: str, version: str) -> Entry:
    """An entry never changes: a process reads each once, not once a stage for years of nights."""
    return from_bytes(settings().storage.read(key), key)


def current(market: str) -> State:
    """Who is champion, and what `latest` must show."""
    return state(entries(market))


def erasures(market: str) -> int:
    """How many there were: where it grew, somebody was forgotten meanwhile."""
    return len(current(market).erasures)


def require_unchanged(market: str, seen: int) -> None:
    """ConflictError where anything but an erasure was entered after entry `seen`."""
    later = [entry for entry in entries(market) if entry.seq > seen and not isinstance(entry, Erasure)]
    if later:
        raise ConflictError(
            f"market {market}: ledger entry {later[0].seq} ({later[0].entry} of {later[0].day}) came while "
            "this run was deciding; run again: what is stored is reused, and the verdict knows of it"
        )


def append(market: str, entry: Entry) -> None:
    """The commit. ConflictError where another run wrote an entry since the ledger was read."""
    key = f"{market}/{key_of(entry.seq)}"
    if not settings().storage.create(key, to_bytes(entry)):
        raise ConflictError(
            f"{settings().storage.uri}/{key} was written meanwhile by another run of {market}; run again: "
            "what is stored is reused, and the ledger decides"
        )


def amend(market: str, write: Callable[[State], Entry], tries: int = 5) -> Entry:
    """Append what `write` makes of the state, again from the start where somebody was first."""
    for _ in range(tries - 1):
        entry = write(current(market))
        try:
            append(market, entry)
        except ConflictError:
            continue
        return entry
    entry = write(current(market))
    append(market, entry)
    return entry
