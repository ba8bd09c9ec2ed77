"""What a user took before, once more.

N rows, V items, K places, P pairs of a row and an item
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.index import top_k
from hm_pipeline.models.blocks import in_blocks
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
            return top_k(own_items(block, self.size), k, excluded=block.last, allowed=allowed)

        return in_blocks(histories, k, self.size, answer)

    def save(self, folder: Path) -> None:
        """size.npy: there is nothing else."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "size.npy", np.array(self.size), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls(int(np.load(folder / "size.npy", allow_pickle=False)))


def own_items(histories: Histories, size: int) -> Float32:
    """scores_NV: a row's items numbered from its least one (few, long ago) upwards from 1; others 0."""
    rows, items = histories.interactions()
    keys, newest_first, counts = np.unique((rows * size + items)[::-1], return_index=True, return_counts=True)
    rows, items = keys // size, keys % size
    order = np.lexsort((-newest_first, counts, rows))  # by row, then from the least to the best
    distinct = np.bincount(rows, minlength=len(histories))
    before = np.cumsum(distinct) - distinct
    scores = np.zeros((len(histories), size), dtype=np.float32)
    scores[rows[order], items[order]] = np.arange(len(order)) - before[rows[order]] + 1
    return scores


def fit_repeat(config: RepeatConfig, samples: Samples, context: FitContext) -> Fitted:
    """Nothing is learned: the answer is in the history."""
    return Fitted(Repeat(len(samples.items)))
