"""Draws from a table of shares by the inverse of their running sums."""

from collections.abc import Iterable

import numpy as np

from hm_pipeline.data.arrays import Float64, Int64


def drawn(shares: Iterable[float], uniform_N: Float64) -> Int64:
    """(N,) which of the shares each number in [0, 1) falls on."""
    sums = np.cumsum(np.array(list(shares)))
    found: Int64 = np.searchsorted(sums, uniform_N * sums[-1], side="right")
    return np.minimum(found, len(sums) - 1)
