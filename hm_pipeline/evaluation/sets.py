"""What stands in each user's list as a set: worked out once, read by every measure of diversity.

    places_NK      3 7 3      rows_NK   -1 3 7      lengths   2      values   3 7 | 2 | …
                   2 - -                -1 -1 2               1

Shapes: N users, K places, S elements of all sets together.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64, UInt64

_SEED = 20_210_601  # of the hash that brings equal rows together; the result does not depend on it


@dataclass(frozen=True, eq=False)
class Sets:
    """L_u of every user u; it may be empty."""

    rows: Int32  # (N, K) ascending, -1 for an empty place and for what repeats: equal sets, equal rows

    @classmethod
    def of(cls, places_NK: Int32) -> Self:
        """The sets of these lists, whose empty places are -1."""
        ordered = np.sort(places_NK, axis=1)
        repeats = ordered[:, 1:] == ordered[:, :-1]
        if repeats.any():
            ordered[:, 1:][repeats] = -1
            ordered.sort(axis=1)
        return cls(ordered)

    def __len__(self) -> int:
        """N."""
        return len(self.rows)

    @cached_property
    def lengths(self) -> Int64:
        """(N,) |L_u|."""
        lengths_N: Int64 = (self.rows >= 0).sum(axis=1)
        return lengths_N

    @cached_property
    def values(self) -> Int64:
        """(S,) the elements of all sets, user after user."""
        return self.rows[self.rows >= 0].astype(np.int64)

    @cached_property
    def holders(self) -> Int64:
        """By element: how many users hold it."""
        return np.bincount(self.values)

    def owners(self, places: Int64) -> Int64:
        """Whose elements stand at these places of `values`."""
        return np.searchsorted(np.cumsum(self.lengths), places, side="right")

    @cached_property
    def groups(self) -> Int64:
        """(N,) a number from 0 for each distinct set: equal sets, equal numbers."""
        hashes_N = _hashed(self.rows)
        order = np.argsort(hashes_N)
        alike = _like_the_one_before(self.rows[order])
        if not np.array_equal(alike, _like_the_one_before(hashes_N[order, None])):
            order = np.lexsort(self.rows.T)  # two sets share a hash, and equal ones may stand apart
            alike = _like_the_one_before(self.rows[order])
        group = np.empty(len(self), np.int64)
        group[order] = np.cumsum(~alike) - 1
        return group


def _hashed(rows_NK: Int32) -> UInt64:
    """(N,) equal rows, equal numbers; others as good as never (a linear hash with random odd factors)."""
    chance, places = np.random.default_rng(_SEED), rows_NK.shape[1]
    factors_K: UInt64 = 2 * chance.integers(0, 2**63, places, np.uint64) + np.uint64(1)
    hashes_N = np.zeros(len(rows_NK), np.uint64)
    for place, factor in enumerate(factors_K):
        hashes_N += rows_NK[:, place].astype(np.uint64) * factor
    return hashes_N


def _like_the_one_before(rows_NK: np.ndarray) -> Bool:
    """(N,) False for the first."""
    alike = np.zeros(len(rows_NK), np.bool_)
    alike[1:] = (rows_NK[1:] == rows_NK[:-1]).all(axis=1)
    return alike
