"""A figure with its standard error."""

import math

import numpy as np

from hm_pipeline.data.arrays import Float64
from hm_pipeline.frozen import Frozen


class Estimate(Frozen):
    """A mean and the standard error of it; null where it does not exist."""

    mean: float | None
    se: float | None = None  # null with fewer than two observations


UNKNOWN = Estimate(mean=None)


def average(values_N: Float64) -> Estimate:
    """Mean over users, standard error sd / sqrt N (sd with N - 1 in the denominator)."""
    n = len(values_N)
    if not n:
        return UNKNOWN
    se = float(np.std(values_N, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Estimate(mean=float(np.mean(values_N)), se=se)


def jackknifed(whole: float, without_N: Float64 | None) -> Estimate:
    """A statistic of all users, and its delete-one-user jackknife standard error.

    `without_N[u]` is the same statistic with user u deleted: se² = (N-1)/N sum_u (without_u - mean)².
    None where nobody can be deleted.
    """
    if without_N is None:
        return Estimate(mean=whole)
    n = len(without_N)
    spread = float(np.sum((without_N - np.mean(without_N)) ** 2))
    return Estimate(mean=whole, se=math.sqrt((n - 1) / n * spread))
