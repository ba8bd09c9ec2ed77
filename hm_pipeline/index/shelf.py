"""The best K items of each query by inner product, exactly: a product in blocks, and `index.exact`.

    queries_BD ─ @ vectors of a panel ─▶ scores_BW ─ maxima of parts ─┐ the next panel …
                                            ▲ the same room for        └─▶ the best parts of all ─▶ K columns
                                              every block of a thread

N queries, B of a block, D width, V vocabulary, A items that may be recommended, G panels of W columns,
K list. A column is a place among the A.
"""

import math
from dataclasses import dataclass
from threading import local
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.index.exact import PART, as_lists, best_columns, maxima, whole_parts
from hm_pipeline.index.threads import over_blocks

BLOCK_SCORES = 16_000_000  # of a block: 64 MB a thread; beyond a million items FEWEST rows take more
FEWEST, MOST = 16, 192  # rows of a block: fewer slow the product down, more do not make it faster
PANEL = 8192  # columns scored at once: a block's are still in the cache when their maxima are taken


@dataclass(frozen=True, eq=False)
class Shelf:
    """The items that may be recommended."""

    vectors: Float32  # (A, D)
    items: Int64  # (A,) the vocabulary index of each column, ascending
    columns: Int64  # (V,) the column of each item, A where it may not be recommended

    @classmethod
    def of(cls, vectors_VD: Float32, allowed: Bool | None) -> Self:
        """All items but the padding in row 0, or those of `allowed` (V,); nothing is copied for all."""
        items = np.arange(1, len(vectors_VD))
        if allowed is None:
            vectors = vectors_VD[1:]
        else:
            items = items[allowed[1:]]
            vectors = vectors_VD[items]
        columns = np.full(len(vectors_VD), len(items))
        columns[items] = np.arange(len(items))
        return cls(vectors, items, columns)

    def best(self, queries_ND: Float32, k: int, excluded: Int32) -> Recommendations:
        """`index.top_k` of the scores; `excluded` (N,) is one more item to leave out a row, 0 for none.

        Raises ModelError where a score is NaN.
        """
        n, most = len(queries_ND), min(k, len(self.items))
        columns, values = np.zeros((n, most), np.int64), np.zeros((n, most), np.float32)
        out, rooms = self.columns[excluded], local()

        def answer(block: slice) -> None:
            if not hasattr(rooms, "own"):  # a thread's
                rooms.own = self._room(n)
            scores, best = self._scores(queries_ND[block], out[block], rooms.own)
            values[block], columns[block] = best_columns(scores, best, most)

        if most:
            over_blocks(n, self._rows, answer)
        return as_lists(self.items.take(columns, mode="clip"), values, k)

    @property
    def _rows(self) -> int:
        fit = BLOCK_SCORES // max(len(self.items), 1) // FEWEST * FEWEST
        return max(FEWEST, min(MOST, fit))

    def _room(self, rows: int) -> Float32:
        """(G B W) where scores are written, one block over the other; -inf beyond the items.

        There is at least one column more than items, for rows that exclude none of them.
        """
        panels = math.ceil((len(self.items) + 1) / PANEL)
        width = whole_parts(math.ceil((len(self.items) + 1) / panels))
        return np.full((panels, min(rows, self._rows), width), -np.inf, np.float32)

    def _scores(self, queries_BD: Float32, out_B: Int64, room_GBW: Float32) -> tuple[Float32, Float32]:
        """Scores and the maxima of their parts."""
        scores = room_GBW if len(queries_BD) == room_GBW.shape[1] else room_GBW[:, : len(queries_BD)].copy()
        width = scores.shape[2]
        best = np.empty((len(queries_BD), len(scores) * width // PART), np.float32)
        for panel, into in enumerate(np.split(best, len(scores), axis=1)):
            vectors = self.vectors[panel * width : (panel + 1) * width]
            np.matmul(queries_BD, vectors.T, out=scores[panel, :, : len(vectors)])
            within = np.flatnonzero(out_B // width == panel)
            scores[panel, within, out_B[within] - panel * width] = -np.inf
            into[:] = maxima(scores[panel])
        return scores, best
