"""Many users' item sequences as views into one flat array.

    flat    a b c a d | b b' | e …          one int32 array, memory-mappable, shared by every view
    starts  0           5      7
    ends    5           7      8            training, validation and test differ in `ends` only

N users, L length, T interactions in all.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64


@dataclass(frozen=True, eq=False)
class Histories:
    """N users' known items in time order: what a recommender is fitted on, and what it answers.

    Items outside the vocabulary are not in `flat`; `last` remembers the raw last item all the same,
    because no list may hold it (0 where it is outside the vocabulary or the history is empty).
    """

    flat: Int32  # (T,) item indices, all >= 1
    starts: Int64  # (N,)
    ends: Int64  # (N,)
    users: Int32  # (N,) user indices, 0 the unknown user
    last: Int32  # (N,)

    def __post_init__(self) -> None:
        """Check the shapes once."""
        n = len(self.starts)
        assert len(self.ends) == len(self.users) == len(self.last) == n
        assert not n or ((self.starts >= 0).all() and (self.starts <= self.ends).all())
        assert not n or self.ends.max() <= len(self.flat)

    @classmethod
    def of(cls, lists: list[list[int]], users: list[int] | None = None) -> Self:
        """From plain lists: for tests, for serving, for reading aloud."""
        lengths = np.array([len(items) for items in lists], dtype=np.int64)
        ends = np.cumsum(lengths)
        return cls(
            flat=np.array([item for items in lists for item in items], dtype=np.int32),
            starts=ends - lengths,
            ends=ends,
            users=np.array(users or [0] * len(lists), dtype=np.int32),
            last=np.array([items[-1] if items else 0 for items in lists], dtype=np.int32),
        )

    def __len__(self) -> int:
        """N."""
        return len(self.starts)

    def __getitem__(self, row: int) -> Int32:
        """The items of one row."""
        return self.flat[self.starts[row] : self.ends[row]]

    @property
    def lengths(self) -> Int64:
        """(N,) numbers of items."""
        return self.ends - self.starts

    @property
    def total(self) -> int:
        """The sum of all lengths."""
        return int(self.lengths.sum())

    def take(self, rows: Int64 | Bool | slice) -> Self:
        """These rows, over the same flat array."""
        return replace(
            self, starts=self.starts[rows], ends=self.ends[rows], users=self.users[rows], last=self.last[rows]
        )

    def latest(self, max_history: int) -> Self:
        """The latest `max_history` items of each row, over the same flat array."""
        return replace(self, starts=np.maximum(self.starts, self.ends - max_history))

    def anonymous(self) -> Self:
        """The same histories of nobody in particular."""
        return replace(self, users=np.zeros_like(self.users))

    def interactions(self) -> tuple[Int64, Int32]:
        """(rows, items), both (sum of lengths,): every interaction with the row it belongs to."""
        rows = np.repeat(np.arange(len(self)), self.lengths)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)
        return rows, self.flat[self.starts[rows] + within]

    def padded(self, width: int) -> Int32:
        """items_NL: the latest `width` items of each row, padded on the right with 0."""
        kept = self.latest(width)
        at = kept.starts[:, None] + np.arange(width)
        inside = at < kept.ends[:, None]
        if not len(self.flat):
            return np.zeros((len(self), width), dtype=np.int32)
        return np.where(inside, self.flat[np.minimum(at, len(self.flat) - 1)], 0).astype(np.int32)

    def mapped(self, table: Int32, users: Int32) -> Self:
        """The same histories in another vocabulary.

        `table` (V,) gives each item's index there, 0 for an item that it does not know, which leaves
        the history; `users` (N,) are the rows' users there.
        """
        rows, items = self.interactions()
        items = table[items]
        lengths = np.bincount(rows[items > 0], minlength=len(self)).astype(np.int64)
        ends = np.cumsum(lengths)
        return type(self)(items[items > 0], ends - lengths, ends, users, table[self.last])
