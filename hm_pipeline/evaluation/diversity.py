"""How much of the catalogue the lists show, and how different they are (docs/definitions.md, thesis 2.5).

Shapes: N users, K places. `places_NK` holds items, or an attribute's value at each place, -1 where
nothing stands. L_u is the *set* of what stands in u's list; it may be empty. All in O(N K) memory
and, but for one sort, time.
"""

import math

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.evaluation.estimate import UNKNOWN, Estimate, average, jackknifed
from hm_pipeline.evaluation.sets import Sets


def coverage(sets: Sets, size: int) -> Estimate:
    """Distinct items shown to anybody / items in the vocabulary (equation 2.11).

    Deleting a user takes away exactly the items that nobody else is shown.
    """
    n = len(sets)
    if not n or not size:
        return UNKNOWN
    shown = np.count_nonzero(sets.holders)
    alone = np.bincount(sets.owners(_held_once(sets)), minlength=n)
    return jackknifed(shown / size, (shown - alone) / size if n > 1 else None)


def _held_once(sets: Sets) -> Int64:
    """Where, in `sets.values`, the elements stand that one user holds alone."""
    return np.flatnonzero((sets.holders == 1)[sets.values])


def overlap(sets: Sets) -> Estimate:
    """1 - distinct sets L_u / N (equation 2.8); lower is more personal.

    Deleting a user takes away his set where nobody shares it, and one from N.
    """
    n = len(sets)
    if not n:
        return UNKNOWN
    sharers = np.bincount(sets.groups)
    without = 1 - (len(sharers) - (sharers == 1)[sets.groups]) / (n - 1) if n > 1 else None
    return jackknifed(1 - len(sharers) / n, without)


def personalization(sets: Sets) -> Estimate:
    """1 - mean cosine similarity over all pairs of different users with a list (equation 2.9).

    With w_i = sum over u with i in L_u of 1/sqrt|L_u| it is 1 - (sum_i w_i² - N) / (N (N-1)), and a
    user's mean similarity to the others m_u = (sum_{i in L_u} w_i / sqrt|L_u| - 1) / (N-1). A user
    stands in a pair twice: the standard error is 2 sd(m_u) / sqrt N. Null where N < 2.
    """
    lengths = sets.lengths[sets.lengths > 0]
    n = len(lengths)
    if n < 2:
        return UNKNOWN
    part = 1 / np.sqrt(lengths)
    weight = np.bincount(sets.values, weights=np.repeat(part, lengths))
    similarity = 1 - (float(np.sum(weight**2)) - n) / (n * (n - 1))
    own = np.add.reduceat(weight[sets.values], np.cumsum(lengths) - lengths) * part
    mean_similarity = (own - 1) / (n - 1)
    return Estimate(mean=similarity, se=2 * float(np.std(mean_similarity, ddof=1)) / math.sqrt(n))


def novelty(places_NK: Int32, counts: Int64) -> Estimate:
    """Mean over the filled places of a list, then over users with a list, of -ln p (equation 2.10).

    p is a value's share of `counts`. What was never counted (an item without a sale) is taken as
    counted once, or one such place would make everything infinite.
    """
    total = counts.sum()
    lengths = (places_NK >= 0).sum(axis=1)
    listed = lengths > 0
    if not total or not listed.any():
        return UNKNOWN
    surprise = -np.log(np.maximum(counts, 1) / total)
    of_places = np.append(surprise, 0.0)[places_NK]  # the empty place, -1, reads the last: nothing
    return average(of_places.sum(axis=1)[listed] / lengths[listed])


def empty(places_NK: Int32) -> Float64:
    """(N,) 1 where a list holds nothing."""
    return _as_numbers(np.all(places_NK < 0, axis=1))


def short(places_NK: Int32) -> Float64:
    """(N,) 1 where a list holds fewer than K items, the empty ones among them."""
    return _as_numbers(np.any(places_NK < 0, axis=1))


def _as_numbers(yes_N: Bool) -> Float64:
    return yes_N.astype(np.float64)
