"""The raw layout: which files a run date reads, from a listing of keys alone.

    web_interactions/market=SE/date=2021-06-01/part-0.parquet     .parquet .csv .csv.gz .jsonl .jsonl.gz
    web_interactions/market=SE/date=2021-06-01/_SUCCESS           markers begin with _ or .
    articles/market=SE/[date=2021-06-01/]articles.csv             newest snapshot up to D-1
    users/market=SE/[date=2021-06-01/]users.jsonl.gz

Pure: an entry is anything with a key and a size; who lists and fetches is not known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, Literal, Protocol, TypeVar, get_args

from hm_pipeline.data.days import partitions_of, window
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.errors import LateDataError, MissingPartitionsError, UnreadableFileError

ENDINGS = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
Room = Literal["web_interactions", "articles", "users"]
ROOMS: tuple[Room, ...] = get_args(Room)


class Listed(Protocol):
    """One key of a listing."""

    @property
    def key(self) -> str:
        """Path below the raw root."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...


E = TypeVar("E", bound=Listed)


@dataclass(frozen=True)
class Chosen(Generic[E]):
    """The files of a run's window by partition day, and what was found beside them."""

    files: dict[date, tuple[E, ...]]  # partition day -> its files, sorted by key
    missing: tuple[date, ...]  # partition days without a file, within what the market tolerates
    strays: tuple[str, ...]  # keys that lie in no `date=` day: nobody reads them, so they are told


@dataclass(frozen=True)
class Snapshot(Generic[E]):
    """The newest articles or users that a run may know; `day` is None where they are undated."""

    day: date | None
    files: tuple[E, ...]  # empty: there is none
    strays: tuple[str, ...]
    unready: date | None = None  # a newer day that is passed over: it has no readiness marker

    @property
    def remark(self) -> str | None:
        """What a person should hear of it: it may know a later day, or be older than it might be."""
        if self.unready:
            return f"snapshot of {self.day}: that of {self.unready} is not marked ready"
        if self.day:
            return None
        return "undated snapshot (a backfill may see later values)" if self.files else "no snapshot"


def prefix(room: Room, market: MarketConfig, day: date | None = None) -> str:
    """Where a room of a market, or one of its days, lies."""
    return f"{room}/market={market.name}/" + (f"date={day}/" if day else "")


def choose(entries: Iterable[E], market: MarketConfig, day: date) -> Chosen[E]:
    """The files a run of `day` reads.

    `entries` may list the whole market or only the prefixes of `partition_days`. Raises LateDataError
    when the newest day is missing or has no readiness marker, MissingPartitionsError when more of
    the window is missing than tolerated, UnreadableFileError for files of an unknown kind.
    """
    found = _Found(entries, "web_interactions", market)
    wanted = partition_days(market, day)
    ready = {d: tuple(found.files[d]) for d in wanted if found.files.get(d) and found.is_ready(d)}
    _require_newest(ready, found, market, day)
    missing = tuple(d for d in wanted if d not in ready and not market.is_closed(d))
    if len(missing) > market.contract.max_missing_share * len(wanted):
        raise MissingPartitionsError(
            f"{len(missing)} of the {len(wanted)} partitions that a run of {day} reads under "
            f"{prefix('web_interactions', market)} are missing or not marked ready: {_some(missing)}; "
            f"deliver them, or raise contract.max_missing_share ({market.contract.max_missing_share})"
        )
    _require_known_endings(f for files in ready.values() for f in files)
    return Chosen(ready, missing, found.strays)


def partition_days(market: MarketConfig, day: date) -> tuple[date, ...]:
    """The `date=` days that a run of `day` reads, oldest first."""
    days = window(market, day)
    return partitions_of(market, days[0], days[-1])


def snapshot(entries: Iterable[E], room: Room, market: MarketConfig, day: date) -> Snapshot[E]:
    """The newest dated snapshot up to the day before `day`, else the undated one, else nothing.

    Where any of them has the market's readiness marker, one that has none yet may be half there.
    """
    found = _Found(entries, room, market)
    known = [d for d, files in found.files.items() if d < day and files]
    if known:
        newest = max(found.ready.intersection(known) or known)
        unready = max(known) if max(known) > newest else None
        chosen = Snapshot(newest, tuple(found.files[newest]), found.strays, unready)
    else:
        chosen = Snapshot(None, tuple(found.undated), found.strays)
    _require_known_endings(chosen.files)
    return chosen


def expired(days: Iterable[date], market: MarketConfig, day: date) -> tuple[date, ...]:
    """The days that a run of `day` must no longer keep anything of."""
    if market.retention_days is None:
        return ()
    oldest_kept = day - timedelta(days=market.retention_days)
    return tuple(sorted(d for d in days if d < oldest_kept))


class _Found(Generic[E]):
    """A listing sorted into days; markers apart."""

    def __init__(self, entries: Iterable[E], room: Room, market: MarketConfig) -> None:
        self.readiness = market.contract.readiness
        self.files: dict[date, list[E]] = {}
        self.undated: list[E] = []
        self.ready: set[date] = set()
        strays: list[str] = []
        root = prefix(room, market)
        for entry in sorted((e for e in entries if e.key.startswith(root)), key=lambda e: e.key):
            folder, _, name = entry.key[len(root) :].partition("/")
            day = _day(folder) if name else None
            if day is not None:
                self._dated(day, name, entry)
            elif name or room == "web_interactions":
                strays.append(entry.key)
            elif not _is_marker(folder):
                self.undated.append(entry)
        self.strays = tuple(strays)

    def _dated(self, day: date, name: str, entry: E) -> None:
        if name == self.readiness:
            self.ready.add(day)
        elif not _is_marker(name):
            self.files.setdefault(day, []).append(entry)

    def is_ready(self, day: date) -> bool:
        return self.readiness is None or day in self.ready


def _day(folder: str) -> date | None:
    name, _, text = folder.partition("=")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if name == "date" and str(day) == text else None


def _is_marker(name: str) -> bool:
    """A marker or temporary, in the folder itself or in a hidden one below."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _require_newest(
    ready: Mapping[date, Sequence[E]], found: _Found[E], market: MarketConfig, day: date
) -> None:
    yesterday = day - timedelta(days=1)
    for needed in partitions_of(market, yesterday, yesterday):
        if needed in ready or market.is_closed(needed):
            continue
        there = bool(found.files.get(needed))
        what = f"has no {found.readiness} yet" if there else "is not there yet"
        raise LateDataError(
            f"{prefix('web_interactions', market, needed)} {what}: a run of {day} needs it, and there is "
            f"{_span(found.files)}. Run again once it has arrived; or is it another day, another market, "
            "another HM_RAW?"
        )


def _span(files: Mapping[date, Sequence[E]]) -> str:
    """Which days were looked through."""
    days = sorted(day for day, there in files.items() if there)
    return f"{days[0]} to {days[-1]} ({len(days)} days)" if days else "nothing of its window"


def _require_known_endings(files: Iterable[Listed]) -> None:
    unknown = [f.key for f in files if not f.key.endswith(ENDINGS)]
    if unknown:
        raise UnreadableFileError(
            f"{len(unknown)} files have an ending nobody reads: {_some(unknown)}; known are "
            f"{', '.join(ENDINGS)}. Convert them, or let their names begin with _ to be passed over"
        )


def _some(things: Sequence[object], shown: int = 5) -> str:
    """The first few by name, the rest by number."""
    rest = f" and {len(things) - shown} more" if len(things) > shown else ""
    return ", ".join(str(thing) for thing in things[:shown]) + rest
