"""Did the list hold what the user took next? One value a user (docs/definitions.md, thesis 2.5).

Shapes: N users, K places. `places_NK` holds items, or an attribute's value at each place, -1 where
nothing stands; `targets_N` what came next in the same coding. A target that no list can hold
(0 among items: outside the vocabulary) is a miss.
"""

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64


def matches(places_NK: Int32, targets_N: Int32) -> Bool:
    """(N, K) whether a place holds the target."""
    found: Bool = (places_NK == targets_N[:, None]) & (places_NK >= 0)
    return found


def ranks(matches_NK: Bool) -> Int64:
    """(N,) first place that holds the target, from 1; 0 when absent."""
    if not matches_NK.shape[1]:
        return np.zeros(len(matches_NK), np.int64)
    return np.where(matches_NK.any(axis=1), matches_NK.argmax(axis=1) + 1, 0).astype(np.int64)


def hits(ranks_N: Int64) -> Float64:
    """(N,) 1 where the list holds the target: its mean is HR@K.

    Equation 2.7 of the thesis is precision; with one target only this can reach its 50%.
    """
    return (ranks_N > 0).astype(np.float64)


def precision(matches_NK: Bool, k: int) -> Float64:
    """(N,) share of the K places that hold the target; an empty place holds nothing (equation 2.7)."""
    shares: Float64 = matches_NK.sum(axis=1) / k
    return shares


def ndcg(ranks_N: Int64) -> Float64:
    """(N,) 1 / log2(rank + 1), 0 when absent: with one target the ideal gain is 1."""
    return np.where(ranks_N > 0, 1 / np.log2(np.maximum(ranks_N, 1) + 1.0), 0.0)


def reciprocal_rank(ranks_N: Int64) -> Float64:
    """(N,) 1 / rank, 0 when absent: its mean is MRR."""
    return np.where(ranks_N > 0, 1 / np.maximum(ranks_N, 1), 0.0)
