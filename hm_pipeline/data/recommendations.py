"""K items for each of N users."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Float32, Int32
from hm_pipeline.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Recommendations:
    """items_NK best first, -1 where a list is short; scores_NK, -inf there. Rows are the histories' rows."""

    items: Int32
    scores: Float32

    def __post_init__(self) -> None:
        """Check what every reader relies on."""
        assert self.items.ndim == 2
        assert self.items.shape == self.scores.shape
        assert not self.items.size or (self.items != 0).all(), "padding was recommended"

    def __len__(self) -> int:
        """N."""
        return len(self.items)

    @classmethod
    def concat(cls, parts: list[Self], k: int) -> Self:
        """The parts' rows one after the other; (0, k) where there is none."""
        if not parts:
            return cls(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
        return cls(np.concatenate([p.items for p in parts]), np.concatenate([p.scores for p in parts]))

    def frame(self, users: Vocabulary, items: Vocabulary) -> pl.DataFrame:
        """(user_id, rank from 1, item_id, score): a filled place a row, in order; row i is user index i + 1.

        Users whose id was erased have no rows.
        """
        n, k = self.items.shape
        ranks, rows = np.tile(np.arange(1, k + 1, dtype=np.int16), n), np.repeat(np.arange(n), k)
        index, score = self.items.ravel(), self.scores.ravel()
        return (
            pl.DataFrame({"rank": ranks, "index": index, "score": score})
            .with_columns(user_id=users.ids.gather(rows), item_id=items.decode(index))
            .filter((pl.col("index") > 0) & pl.col("user_id").is_not_null())
            .select("user_id", "rank", "item_id", "score")
        )

    def mapped(self, table: Int32) -> Self:
        """The same lists in another vocabulary: what `table` (V,) maps to 0 leaves, the list closes up."""
        items = np.where(self.items > 0, table[np.maximum(self.items, 0)], 0)
        unknown = items <= 0
        lists = type(self)(np.where(unknown, -1, items).astype(np.int32), self.scores)
        return lists.without(unknown, items.shape[1])

    def without(self, dropped: Bool, k: int) -> Self:
        """The lists less the places `dropped` (N, K), closed up: the first k of what stays."""
        gone = dropped | (self.items < 0)
        order = np.argsort(gone, axis=1, kind="stable")[:, :k]
        gone = np.take_along_axis(gone, order, axis=1)
        items = np.take_along_axis(self.items, order, axis=1)
        scores = np.take_along_axis(self.scores, order, axis=1)
        return type(self)(np.where(gone, np.int32(-1), items), np.where(gone, np.float32(-np.inf), scores))
