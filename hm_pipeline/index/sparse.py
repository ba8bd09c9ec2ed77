"""The best K of sparse scores: what `top_k` says of them written out, at the cost of those that are there.

N rows, V columns, E scores that are there, W the most of a row, K places
"""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Sparse
from hm_pipeline.data.recommendations import Recommendations

CELLS_A_SCORE = 8  # numbers in single precision: what a score takes while the best of its row are looked for


def sparse_top_k(
    scores_NV: Sparse, k: int, *, excluded: Int32 | None = None, allowed: Bool | None = None
) -> Recommendations:
    """`top_k` of a CSR matrix (N, V) of scores of at least 0; what it does not hold is 0, so the lowest fill.

    A column stands at most once in a row, in any order.
    """
    n, v = scores_NV.shape
    usable = np.ones(v, dtype=np.bool_) if allowed is None else allowed.copy()
    usable[0] = False
    without = np.zeros(n, dtype=np.int32) if excluded is None else excluded
    best = Recommendations(np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32))
    _best_there(scores_NV, usable, without, best)
    _fill(usable, without, best)
    return best


def _best_there(scores_NV: Sparse, usable: Bool, without: Int32, best: Recommendations) -> None:
    """The best above 0, ties to the lower column; the rest of the places stays empty."""
    k = best.items.shape[1]
    lengths = np.diff(scores_NV.indptr)
    columns, scores_E = scores_NV.indices, scores_NV.data.astype(np.float32)
    scores_E[~usable[columns] | (columns == np.repeat(without, lengths))] = 0
    width = max(int(lengths.max(initial=0)), k)
    scores_NW = np.zeros((len(lengths), width), dtype=np.float32)
    scores_NW[np.arange(width) < lengths[:, None]] = scores_E
    border = np.partition(scores_NW, width - k, axis=1)[:, width - k, None]
    rows, places = np.nonzero((scores_NW >= border) & (scores_NW > 0))  # ties at the border: more than K
    found = columns[scores_NV.indptr[rows] + places]
    order = np.lexsort((found, -scores_NW[rows, places], rows))
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = order[rank < k]
    best.items[rows[kept], rank[rank < k]] = found[kept]
    best.scores[rows[kept], rank[rank < k]] = scores_NW[rows[kept], places[kept]]


def _fill(usable: Bool, without: Int32, best: Recommendations) -> None:
    """The lowest usable columns, at 0, into the empty places."""
    k = best.items.shape[1]
    short = np.flatnonzero((best.items < 0).any(axis=1))
    lowest = np.flatnonzero(usable)[: 2 * k]  # K - 1 at most are in the list, and one is left out
    items = best.items[short]
    taken = np.column_stack([items, without[short]])
    at = np.searchsorted(lowest, taken)
    rows, columns = np.nonzero(np.append(lowest, -2)[at] == taken)
    free = np.ones((len(short), len(lowest)), dtype=np.bool_)
    free[rows, at[rows, columns]] = False
    place = (items >= 0).sum(axis=1, keepdims=True) + np.cumsum(free, axis=1) - 1
    rows, columns = np.nonzero(free & (place < k))
    best.items[short[rows], place[rows, columns]] = lowest[columns]
    best.scores[short[rows], place[rows, columns]] = 0
