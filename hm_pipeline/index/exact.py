"""Scores to the best K, with ties broken by vocabulary index, at a fraction of what making them costs.

    a row of W scores, as PART lines of P       P parts, one a column of the picture: its scores lie P apart,
      0     1     2   …  P-1                    so that the maxima of all parts are comparisons of whole
      P    P+1   P+2  … 2P-1                    lines, which are vectorised (side by side they would cost ten
      …                                         times as much); the K best scores lie in the K parts with the
                                                best maxima, and only those are looked at

N rows, V columns, G panels of W columns filled up to whole parts, P parts of a panel, M columns, K places
"""

import math

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Float64, Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.errors import ModelError

PART = 32  # scores whose maximum speaks for them
TORN_ROWS = 64  # chosen slowly at once: they are copied, and counted in whole numbers


def top_k(
    scores_NV: Float32 | Float64, k: int, *, excluded: Int32 | None = None, allowed: Bool | None = None
) -> Recommendations:
    """The k best columns of each row, ties to the lower index; column 0 (padding) is never among them.

    `excluded` (N,) is one more column to leave out a row, 0 for none: the raw last item. `allowed`
    (V,) leaves columns out for everyone. A score of -inf is never recommended; lists may be short.
    Raises ModelError where a score is NaN.
    """
    n, v = scores_NV.shape
    scores = np.full((n, whole_parts(v)), -np.inf, dtype=np.float32)
    scores[:, :v] = scores_NV
    scores[:, 0] = -np.inf
    if allowed is not None:
        scores[:, np.flatnonzero(~allowed)] = -np.inf
    if excluded is not None:
        scores[np.arange(n), excluded] = -np.inf
    values, columns = best_columns(scores[None], maxima(scores), min(k, v))
    return as_lists(columns, values, k)


def as_lists(items_NM: Int32 | Int64, scores_NM: Float32, k: int) -> Recommendations:
    """Lists of k places from those that could be filled, which may be fewer; -inf is no score."""
    items = np.where(np.isneginf(scores_NM), -1, items_NM).astype(np.int32)
    short = ((0, 0), (0, k - items.shape[1]))
    return Recommendations(
        np.pad(items, short, constant_values=-1), np.pad(scores_NM, short, constant_values=-np.inf)
    )


def whole_parts(columns: int) -> int:
    """Columns, filled up to whole parts."""
    return math.ceil(columns / PART) * PART


def maxima(scores_NW: Float32) -> Float32:
    """(N, P) the best score of each part, by halving: the upper half of the lines against the lower."""
    parts = scores_NW.shape[1] // PART
    while scores_NW.shape[1] > parts:
        lower, upper = np.split(scores_NW, 2, axis=1)
        scores_NW = np.maximum(lower, upper)
    return scores_NW


def best_columns(scores_GNW: Float32, maxima_NGP: Float32, k: int) -> tuple[Float32, Int64]:
    """(values, columns), both (N, K): the best first, ties to the lower column, panel after panel.

    The maxima are those of the panels side by side. Where the border runs through a tie the row is chosen
    once more, slowly. Raises ModelError where a score is NaN.
    """
    columns, torn = _by_parts(scores_GNW, maxima_NGP, k)
    _refuse_nan(_at(scores_GNW, columns))
    torn_rows = np.flatnonzero(torn)
    for at in range(0, len(torn_rows), TORN_ROWS):
        rows = torn_rows[at : at + TORN_ROWS]
        columns[rows] = _through_ties(_side_by_side(scores_GNW[:, rows]), k)
    columns.sort(axis=1)
    values = _at(scores_GNW, columns)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(columns, order, axis=1)


def _by_parts(scores_GNW: Float32, maxima_NGP: Float32, k: int) -> tuple[Int64, Bool]:
    """As `_largest`, which looks at all columns, from few of them."""
    if maxima_NGP.shape[1] <= k:
        return _largest(_side_by_side(scores_GNW), k)
    best, torn = _largest(maxima_NGP, k)
    parts = scores_GNW.shape[2] // PART  # of a panel
    first = best + best // parts * (PART - 1) * parts
    columns = (first[:, None, :] + parts * np.arange(PART)[:, None]).reshape(len(first), PART * k)
    near, torn_too = _largest(_at(scores_GNW, columns), k)
    return np.take_along_axis(columns, near, axis=1), torn | torn_too


def _side_by_side(scores_GNW: Float32) -> Float32:
    """(N, G W)."""
    panels, n, w = scores_GNW.shape
    return np.moveaxis(scores_GNW, 0, 1).reshape(n, panels * w)


def _largest(scores_NW: Float32, k: int) -> tuple[Int64, Bool]:
    """(N, k) columns of the k largest, in no order; (N,) whether the next one equals the least of them.

    NaN counts as the largest.
    """
    n, w = scores_NW.shape
    if w == k:
        return np.tile(np.arange(w), (n, 1)), np.zeros(n, dtype=np.bool_)
    ranked = np.argpartition(scores_NW, w - k - 1, axis=1)
    next_one, chosen = ranked[:, w - k - 1, None], ranked[:, w - k :]
    least = _at(scores_NW[None], chosen).min(axis=1, initial=np.inf)
    return chosen, (_at(scores_NW[None], next_one)[:, 0] == least) & (least > -np.inf)


def _through_ties(scores_NW: Float32, k: int) -> Int64:
    """(N, k) columns of the k largest, ascending: all above the border, then the first that equal it."""
    w = scores_NW.shape[1]
    border = np.partition(scores_NW, w - k, axis=1)[:, w - k, None]
    above, tied = scores_NW > border, scores_NW == border
    wanted = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= wanted))
    return np.nonzero(chosen)[1].reshape(-1, k)


def _at(scores_GNW: Float32, columns_NM: Int64) -> Float32:
    """(N, M) scores at these columns; half the time of `take_along_axis`."""
    panels, n, w = scores_GNW.shape
    places = columns_NM + w * np.arange(n)[:, None]
    if panels > 1:
        places += columns_NM // w * ((n - 1) * w)
    found: Float32 = scores_GNW.reshape(-1).take(places)
    return found


def _refuse_nan(values_NK: Float32) -> None:
    """NaN counts as the largest, so that it is among the best wherever there is one."""
    wrong = np.flatnonzero(np.isnan(values_NK).any(axis=1))
    if len(wrong):
        raise ModelError(
            f"{len(wrong)} of {len(values_NK)} rows of a block have a score that is NaN: the model's numbers "
            "or the queries hold NaN; fit it again, with a smaller learning rate or more regularization"
        )
