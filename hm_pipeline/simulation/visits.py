"""A day's sessions: who comes, for how many clicks, at what times. N sessions, T clicks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hm_pipeline.data.arrays import Float64, Int32, Int64
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.measured import (
    GAP_MEDIAN,
    GAP_SPREAD,
    HOURS,
    LENGTH_MEDIAN,
    LENGTH_SPREAD,
    LONGEST,
    LONGEST_GAP,
    SHORTEST_GAP,
)


@dataclass(frozen=True, eq=False)
class Visits:
    """Sessions, one a user: the clicks of session n are the places starts[n] to starts[n] + lengths[n]."""

    users: Int32  # (N,)
    tastes: Int32  # (N,)
    before: Int32  # (N,) the user's last article of an earlier day, or NOBODY
    lengths: Int64  # (N,)

    def __len__(self) -> int:
        """N."""
        return len(self.users)

    @cached_property
    def starts(self) -> Int64:
        """(N,)."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def owner(self) -> Int64:
        """(T,) the session of each click."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def place(self) -> Int64:
        """(T,) of each click in its session, from 0."""
        return np.arange(len(self.owner)) - self.starts[self.owner]

    @cached_property
    def which(self) -> Int64:
        """(T,) a number for each click that no other click of the day has."""
        return numbered(self.users[self.owner], self.place)

    def take(self, rows: slice) -> "Visits":
        """These sessions."""
        return Visits(self.users[rows], self.tastes[rows], self.before[rows], self.lengths[rows])


def numbered(users: Int32, place: Int64 | int) -> Int64:
    """(N,) the same user and place, the same number."""
    assert LONGEST <= 256
    return users.astype(np.int64) * 256 + place


def cut(lengths: Int64, most: int) -> Iterator[slice]:
    """Neighbouring sessions that have at most so many clicks together; one alone may not have more."""
    assert not len(lengths) or lengths.max() <= most
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        done = ends[first - 1] if first else 0
        stop = int(np.searchsorted(ends, done + most, side="right"))
        yield slice(first, stop)
        first = stop


def session_lengths(users: Int32, chance: Chance) -> Int64:
    """(N,) clicks of these users' sessions."""
    drawn = np.exp(LENGTH_MEDIAN + LENGTH_SPREAD * chance.normal(users))
    return np.clip(np.floor(drawn), 1, LONGEST).astype(np.int64)


def times(visits: Visits, day_length: int, chance: Chance) -> Int64:
    """(T,) milliseconds since the day began; every session ends before the day does."""
    since = _since_start(visits, chance.of("gap"))
    lasts = since[visits.starts + visits.lengths - 1]
    fits = np.minimum(1.0, 0.5 * day_length / np.maximum(lasts, 1))  # 1 but for sessions of half a day
    begins = day_length * np.interp(chance.of("hour").uniform(visits.users), *_HOURS)
    begins = np.minimum(begins, day_length - lasts * fits - 1000)
    at: Float64 = begins[visits.owner] + since * fits[visits.owner]
    return np.floor(at).astype(np.int64)


def _since_start(visits: Visits, chance: Chance) -> Float64:
    """(T,) milliseconds since the session's first click."""
    seconds = np.exp(GAP_MEDIAN + GAP_SPREAD * chance.normal(visits.which))
    gaps = np.floor(1000 * np.clip(seconds, SHORTEST_GAP, LONGEST_GAP))
    gaps[visits.starts] = 0
    passed: Float64 = np.cumsum(gaps)
    since: Float64 = passed - passed[visits.starts][visits.owner]
    return since


_HOURS = np.concatenate([[0], np.cumsum(HOURS)]) / sum(HOURS), np.linspace(0, 1, len(HOURS) + 1)
