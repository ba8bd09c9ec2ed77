"""The rows of a log by users, in bounded memory.

Each piece is sorted by user once; some of the users are a slice of each. Users go by *rank*, their place in
the alphabetical order of ids.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Int32
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sorting import stably
from hm_pipeline.data.ties import untied

_COLUMNS = ("user", "item", "timestamp", "day", "event", "order")
_NOTHING = np.empty(0, np.int32)
Rows = tuple[Int32, Int32, Int32]  # ranks, items, days, all (rows,)


class ByUser:
    """The rows of some events: of each user in time order."""

    def __init__(self, log: InteractionLog, events: tuple[str, ...], seed: int, place: Path | None) -> None:
        self.user_ids, self._place = log.users.sort(), place
        rank = np.empty(len(log.users), np.int32)
        rank[log.users.arg_sort().to_numpy()] = np.arange(len(rank), dtype=np.int32)
        self._slices: list[_Sorted] = []
        self._counts = np.zeros(len(rank), np.int64)  # rows by rank
        codes = log.codes(events)
        for piece in log.pieces(*_COLUMNS):
            rows = piece.filter(piece["event"].is_in(codes))
            if len(rows):
                self._add(untied(rows, log, seed), rank)

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self._counts.sum())

    def parts(self, rows: int) -> Iterator[Rows]:
        """All rows, those of so many users at a time as have about `rows`; a user's in time order."""
        for first, last in self._users(rows):
            parts = [sorted_.of_users(first, last) for sorted_ in self._slices]
            ranks, items, days = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            yield ranks, items, days

    def _users(self, rows: int) -> Iterator[tuple[int, int]]:
        """Ranges of ranks; a user with more rows than asked for is a range of his own."""
        ends = np.cumsum(self._counts)
        first, done = 0, 0
        while first < len(ends) and done < self.rows:
            last = max(int(np.searchsorted(ends, done + rows, side="right")), first + 1)
            if int(ends[last - 1]) > done:
                yield first, last
            first, done = last, int(ends[last - 1])

    def _add(self, rows: pl.DataFrame, rank: Int32) -> None:
        ranks = rank[rows["user"].to_numpy()]
        self._counts += np.bincount(ranks, minlength=len(rank))
        order = stably(ranks)
        items = rows["item"].to_numpy().astype(np.int32)
        days = rows["day"].to_physical().to_numpy()
        sorted_ = _Sorted(ranks[order], items[order], days[order])
        if self._place:
            sorted_.spill(self._place / f"sorted-{len(self._slices)}")
        self._slices.append(sorted_)


class _Sorted:
    """Rows sorted by rank, in memory or in a file."""

    def __init__(self, ranks: Int32, items: Int32, days: Int32) -> None:
        self._arrays, self._size = (ranks, items, days), len(ranks)
        self._file: Path | None = None

    def spill(self, file: Path) -> None:
        """From memory to a file."""
        np.stack(self._arrays).tofile(file)
        self._file, self._arrays = file, (_NOTHING, _NOTHING, _NOTHING)

    def of_users(self, first: int, last: int) -> Rows:
        """The rows of the ranks from `first` up to, and without, `last`."""
        arrays = self._arrays if self._file is None else self._mapped(self._file)
        ends = np.array([first, last], np.int32)  # of the ranks' type: another would copy all of them
        begin, end = np.searchsorted(arrays[0], ends)
        ranks, items, days = (np.array(array[begin:end]) for array in arrays)
        return ranks, items, days

    def _mapped(self, file: Path) -> Rows:
        """Let go of with the slices that are copied out of it."""
        ranks, items, days = np.memmap(file, np.int32, "r", shape=(3, self._size))
        return ranks, items, days
