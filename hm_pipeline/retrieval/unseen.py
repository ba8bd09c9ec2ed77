"""Lists without what a history holds, for every model alike: ask for more, drop, close up.

N rows, K places, A places asked for, S distinct items seen by all rows together
"""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.models.recommender import Recommender

BLOCK_PLACES = 4_000_000  # places of lists that are asked for at once; 32 MB


def recommend_unseen(
    model: Recommender, histories: Histories, k: int, *, allowed: Bool | None = None
) -> Recommendations:
    """As `model.recommend`, but never an item of the row's history.

    Exact: a row that has seen d items finds its k best unseen among its k + d best. Rows that have seen
    about as much are asked together, so that a long history makes nobody else's question longer.
    """
    seen, distinct = _seen(histories)
    items = np.full((len(histories), k), -1, dtype=np.int32)
    scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
    for rows, ask in _questions(k + _rounded(distinct)):
        lists = model.recommend(histories.take(rows), ask, allowed=allowed)
        kept = lists.without(_among(seen, rows, lists.items), k)
        items[rows], scores[rows] = kept.items, kept.scores
    return Recommendations(items, scores)


def _seen(histories: Histories) -> tuple[Int64, Int64]:
    """(S,) sorted keys of a row and an item it has seen; (N,) how many items a row has seen."""
    rows, items = histories.interactions()
    keys = np.unique(_keys(rows, items))
    return keys, np.bincount(keys >> 32, minlength=len(histories)).astype(np.int64)


def _keys(rows: Int64, items: Int32) -> Int64:
    """One number for a row and an item."""
    return (rows << 32) | items


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


def _among(seen: Int64, rows: Int64, items_NA: Int32) -> Bool:
    """(N, A) whether a row has seen an item."""
    if not len(seen):
        return np.zeros(items_NA.shape, dtype=np.bool_)
    keys = _keys(rows[:, None], np.maximum(items_NA, 0))
    at = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
    return np.equal(seen[at], keys)
