"""Scores to the best K, with ties broken by vocabulary index."""

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Float64, Int32
from hm_pipeline.data.recommendations import Recommendations


def top_k(
    scores_NV: Float32 | Float64, k: int, *, excluded: Int32 | None = None, allowed: Bool | None = None
) -> Recommendations:
    """The k best columns of each row, ties to the lower index; column 0 (padding) is never among them.

    `excluded` (N,) is one more column to leave out a row, 0 for none: the raw last item. `allowed`
    (V,) leaves columns out for everyone. A score of -inf is never recommended; lists may be short.
    """
    scores = scores_NV.astype(np.float32, copy=True)
    scores[:, 0] = -np.inf
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    if excluded is not None:
        scores[np.arange(len(scores)), excluded] = -np.inf
    width = min(k, scores.shape[1])
    candidates = _best_columns(scores, width)
    values = np.take_along_axis(scores, candidates, axis=1)
    order = np.lexsort((candidates, -values), axis=1)
    items = np.take_along_axis(candidates, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    items = np.where(np.isneginf(values), -1, items)
    short = ((0, 0), (0, k - width))
    return Recommendations(
        np.pad(items.astype(np.int32), short, constant_values=-1),
        np.pad(values, short, constant_values=-np.inf),
    )


def _best_columns(scores: Float32, k: int) -> Int32:
    """(N, k) columns of the k best in any order; a tie at the border goes to the lower columns."""
    columns = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]
    border = np.take_along_axis(scores, columns, axis=1).min(axis=1, keepdims=True)
    tied = (scores == border).sum(axis=1) > (np.take_along_axis(scores, columns, axis=1) == border).sum(axis=1)
    for row in np.flatnonzero(tied & ~np.isneginf(border[:, 0])):
        better = np.flatnonzero(scores[row] > border[row])
        columns[row] = np.concatenate([better, np.flatnonzero(scores[row] == border[row])[: k - len(better)]])
    return columns.astype(np.int32)
