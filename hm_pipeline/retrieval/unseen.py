"""Lists without what a history holds, for every model alike: ask for more, drop, close up."""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.seen import Seen
from hm_pipeline.models.recommender import Recommender

BLOCK_PLACES = 4_000_000  # places of lists that are asked for at once; 32 MB


def recommend_unseen(
    model: Recommender, histories: Histories, k: int, *, allowed: Bool | None = None
) -> Recommendations:
    """As `model.recommend`, but never an item of the row's history.

    A row that has seen d items finds its k best unseen among its k + d best. That is exact where the model's
    search is; an approximate one looks wider for k + d, or at everything (`index.nearest`). Rows that have
    seen about as much are asked together, so that a long history makes nobody else's question longer.
    """
    seen = Seen(histories)
    items = np.full((len(histories), k), -1, dtype=np.int32)
    scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
    for rows, ask in _questions(k + _rounded(seen.distinct())):
        lists = model.recommend(histories.take(rows), ask, allowed=allowed)
        kept = lists.without(seen.among(rows, lists.items), k)
        items[rows], scores[rows] = kept.items, kept.scores
    return Recommendations(items, scores)


def _rounded(counts: Int64) -> Int64:
    """The next power of two, 0 for 0: few different questions, none twice as long as it must be."""
    exponents = np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64)
    return np.where(counts > 0, np.int64(1) << exponents, 0)


def _questions(asks: Int64) -> list[tuple[Int64, int]]:
    """Rows that ask for equally many places, as many together as their lists may be held."""
    found = []
    for ask in np.unique(asks).tolist():
        rows, size = np.flatnonzero(asks == ask), max(1, BLOCK_PLACES // ask)
        found += [(rows[at : at + size], ask) for at in range(0, len(rows), size)]
    return found
