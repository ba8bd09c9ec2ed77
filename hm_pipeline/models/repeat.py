"""What a user took before, once more.

N rows, V items, K places
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from scipy import sparse

from hm_pipeline.data.arrays import Bool, Int64, Sparse
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.index import sparse_top_k
from hm_pipeline.index.sparse import CELLS_A_SCORE
from hm_pipeline.models.blocks import in_threads
from hm_pipeline.models.fitting import FitContext, Fitted


class RepeatConfig(Frozen):
    """Nothing to choose."""

    kind: Literal["repeat"] = "repeat"


@dataclass(frozen=True, eq=False)
class Repeat:
    """The history's own items by count, then recency, filled by popularity.

    A vocabulary is in the order of popularity, so a tie at score 0 is the fill.
    """

    size: int  # V

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`; the score of an own item is its place from the end, of others 0."""

        def answer(block: Histories) -> Recommendations:
            return sparse_top_k(own_items(block, self.size), k, excluded=block.last, allowed=allowed)

        items = np.empty((len(histories), k), dtype=np.int32)
        scores = np.empty((len(histories), k), dtype=np.float32)
        for rows, width in _alike(histories.lengths, k):
            lists = in_threads(histories.take(rows), k, CELLS_A_SCORE * width, answer)
            items[rows], scores[rows] = lists.items, lists.scores
        return Recommendations(items, scores)

    def save(self, folder: Path) -> None:
        """size.npy: there is nothing else."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "size.npy", np.array(self.size), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls(int(np.load(folder / "size.npy", allow_pickle=False)))


def _alike(lengths: Int64, k: int) -> Iterator[tuple[Int64, int]]:
    """Rows of about one length, and the most places one takes: a heavy user makes nobody's block small."""
    widths = 1 << np.ceil(np.log2(np.maximum(lengths, k))).astype(np.int64)
    for width in np.unique(widths).tolist():
        yield np.flatnonzero(widths == width), width


def own_items(histories: Histories, size: int) -> Sparse:
    """(N, V) a row's items numbered from its least one (few, long ago) upwards from 1."""
    rows, items = histories.interactions()
    keys, newest_first, counts = np.unique((rows * size + items)[::-1], return_index=True, return_counts=True)
    rows, items = keys // size, keys % size
    order = np.lexsort((-newest_first, counts, rows))  # by row, then from the least to the best
    before = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(histories)))])
    places = (np.arange(len(order)) - before[rows[order]] + 1).astype(np.float32)
    return sparse.csr_matrix((places, items[order], before), shape=(len(histories), size))


def fit_repeat(config: RepeatConfig, samples: Samples, context: FitContext) -> Fitted:
    """Nothing is learned: the answer is in the history."""
    return Fitted(Repeat(len(samples.items)))
