"""Scores to the best K, with ties broken by vocabulary index.

N rows, V columns, K places, W columns of a part, P parts
"""

import math

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Float64, Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.errors import ModelError


def top_k(
    scores_NV: Float32 | Float64, k: int, *, excluded: Int32 | None = None, allowed: Bool | None = None
) -> Recommendations:
    """The k best columns of each row, ties to the lower index; column 0 (padding) is never among them.

    `excluded` (N,) is one more column to leave out a row, 0 for none: the raw last item. `allowed`
    (V,) leaves columns out for everyone. A score of -inf is never recommended; lists may be short.
    Raises ModelError where a score is NaN.
    """
    scores = scores_NV.astype(np.float32, copy=True)
    scores[:, 0] = -np.inf
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    if excluded is not None:
        scores[np.arange(len(scores)), excluded] = -np.inf
    width = min(k, scores.shape[1])
    columns = _best_columns(scores, width)
    values = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    items = np.take_along_axis(columns, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    items = np.where(np.isneginf(values), -1, items)
    short = ((0, 0), (0, k - width))
    return Recommendations(
        np.pad(items.astype(np.int32), short, constant_values=-1),
        np.pad(values, short, constant_values=-np.inf),
    )


def _best_columns(scores_NV: Float32, k: int) -> Int64:
    """(N, k) columns of the k best, ascending; a tie at the border goes to the lower columns.

    The k best lie in the k parts with the best maxima, so only those are looked at closely: a row costs
    about V + 4 sqrt(k V) instead of a selection over V.
    """
    n, v = scores_NV.shape
    part = math.isqrt(v // max(k, 1))
    if part < 4:
        return _selected(scores_NV, k)
    whole = v // part * part
    maxima_NP = scores_NV[:, :whole].reshape(n, -1, part).max(axis=2)
    parts = _selected(maxima_NP, k)
    columns = (parts[:, :, None] * part + np.arange(part)).reshape(n, -1)
    columns = np.concatenate([columns, np.broadcast_to(np.arange(whole, v), (n, v - whole))], axis=1)
    best = _selected(np.take_along_axis(scores_NV, columns, axis=1), k)
    return np.take_along_axis(columns, best, axis=1)


def _selected(scores_NW: Float32, k: int) -> Int64:
    """(N, k) columns of the k best, ascending: all above the border, then the first that equal it."""
    n, w = scores_NW.shape
    if not n or not k:
        return np.zeros((n, k), dtype=np.int64)
    border = np.partition(scores_NW, w - k, axis=1)[:, w - k, None]
    if np.isnan(scores_NW.max()):
        raise ModelError(f"{int(np.isnan(scores_NW).any(axis=1).sum())} of {n} rows have a score that is NaN")
    above = scores_NW > border
    tied = scores_NW == border
    wanted = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= wanted))
    return np.nonzero(chosen)[1].reshape(n, k)
