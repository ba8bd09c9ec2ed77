"""How much of the catalogue the lists show, and how different they are (docs/definitions.md, thesis 2.5).

Shapes: N users, K places. `places_NK` holds items, or an attribute's value at each place, -1 where
nothing stands. L_u is the *set* of what stands in u's list; it may be empty. All in O(N K) memory
and, but for one sort, time.
"""

import math

import numpy as np

from hm_pipeline.data.arrays import Float64, Int32, Int64
from hm_pipeline.evaluation.estimate import UNKNOWN, Estimate, average, jackknifed


def coverage(places_NK: Int32, size: int) -> Estimate:
    """Distinct items shown to anybody / items in the vocabulary (equation 2.11).

    Deleting a user takes away exactly the items that nobody else is shown.
    """
    n = len(places_NK)
    if not n or not size:
        return UNKNOWN
    rows, values = members(places_NK)
    holders = np.bincount(values)
    shown = np.count_nonzero(holders)
    alone = np.bincount(rows[holders[values] == 1], minlength=n)
    return jackknifed(shown / size, (shown - alone) / size if n > 1 else None)


def overlap(places_NK: Int32) -> Estimate:
    """1 - distinct sets L_u / N (equation 2.8); lower is more personal.

    Deleting a user takes away his set where nobody shares it, and one from N.
    """
    n = len(places_NK)
    if not n:
        return UNKNOWN
    group = _groups(_sets(places_NK))
    sharers = np.bincount(group)
    without = 1 - (len(sharers) - (sharers[group] == 1)) / (n - 1) if n > 1 else None
    return jackknifed(1 - len(sharers) / n, without)


def personalization(places_NK: Int32) -> Estimate:
    """1 - mean cosine similarity over all pairs of different users with a list (equation 2.9).

    With w_i = sum over u with i in L_u of 1/sqrt|L_u| it is 1 - (sum_i w_i² - N) / (N (N-1)), and a
    user's mean similarity to the others m_u = (sum_{i in L_u} w_i / sqrt|L_u| - 1) / (N-1). A user
    stands in a pair twice: the standard error is 2 sd(m_u) / sqrt N. Null where N < 2.
    """
    rows, values = members(places_NK)
    lengths = np.bincount(rows, minlength=len(places_NK))
    n = int(np.count_nonzero(lengths))
    if n < 2:
        return UNKNOWN
    part = 1 / np.sqrt(lengths[rows])
    weight = np.bincount(values, weights=part)
    similarity = 1 - (float(np.sum(weight**2)) - n) / (n * (n - 1))
    own = np.bincount(rows, weights=weight[values] * part, minlength=len(places_NK))[lengths > 0]
    mean_similarity = (own - 1) / (n - 1)
    return Estimate(mean=similarity, se=2 * float(np.std(mean_similarity, ddof=1)) / math.sqrt(n))


def novelty(places_NK: Int32, counts: Int64) -> Estimate:
    """Mean over the filled places of a list, then over users with a list, of -ln p (equation 2.10).

    p is a value's share of `counts`. What was never counted (an item without a sale) is taken as
    counted once, or one such place would make everything infinite.
    """
    total = counts.sum()
    filled = places_NK >= 0
    lengths = filled.sum(axis=1)
    if not total or not lengths.any():
        return UNKNOWN
    surprise = -np.log(np.maximum(counts, 1) / total)
    places = np.where(filled, surprise[np.maximum(places_NK, 0)], 0.0)
    listed = lengths > 0
    return average(places[listed].sum(axis=1) / lengths[listed])


def empty(places_NK: Int32) -> Float64:
    """(N,) 1 where a list holds nothing."""
    nothing: Float64 = np.all(places_NK < 0, axis=1).astype(np.float64)
    return nothing


def short(places_NK: Int32) -> Float64:
    """(N,) 1 where a list holds fewer than K items, the empty ones among them."""
    lacking: Float64 = np.any(places_NK < 0, axis=1).astype(np.float64)
    return lacking


def members(places_NK: Int32) -> tuple[Int64, Int32]:
    """(rows, values): every pair of a user and an element of L_u, once."""
    sets = _sets(places_NK)
    rows, columns = np.nonzero(sets >= 0)
    return rows, sets[rows, columns]


def _sets(places_NK: Int32) -> Int32:
    """(N, K) each row sorted, what repeats in it replaced by -1 and sorted again: equal sets, equal rows."""
    ordered = np.sort(places_NK, axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    ordered.sort(axis=1)
    return ordered


def _groups(rows_NK: Int32) -> Int64:
    """(N,) a number from 0 for each distinct row: equal rows, equal numbers."""
    group = np.zeros(len(rows_NK), np.int64)
    if rows_NK.shape[1]:
        order = np.lexsort(rows_NK.T)
        arranged = rows_NK[order]
        group[order[1:]] = np.cumsum((arranged[1:] != arranged[:-1]).any(axis=1))
    return group
