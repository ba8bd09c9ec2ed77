"""Means over seeds and paired differences, with what is known of their error (docs/definitions.md).

Two kinds of noise: another seed on the same users (t intervals over seeds), and other users for the same
seeds (the paired standard error of their mean difference). Neither holds the other, so their squares add.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from hm_pipeline.data.arrays import Float64
from hm_pipeline.frozen import Frozen

CONFIDENCE, POWER = 0.95, 0.80


class Spread(Frozen):
    """A figure over repetitions that differ by their seed only."""

    mean: float
    se: float | None = None  # of the mean over seeds; null with fewer than two
    seeds: int = 1  # fits that differ; a model without chance has one


class Gap(Frozen):
    """A setting minus its reference."""

    mean: float
    low: float | None = None  # the 95% t interval over seeds; null with fewer than two
    high: float | None = None
    users_se: float | None = None  # paired, over users; null where the metric is no mean over users
    detectable: float | None = None  # smallest true difference that had been found in four of five cases

    @property
    def seeds_margin(self) -> float | None:
        """Half of the 95% interval over seeds."""
        return None if self.high is None else self.high - self.mean

    @property
    def users_margin(self) -> float | None:
        """Half of the 95% interval over users."""
        return None if self.users_se is None else _normal(CONFIDENCE) * self.users_se

    @property
    def margin(self) -> float | None:
        """Half of the 95% interval over both; null where neither is known."""
        return _together(self.seeds_margin, self.users_margin)

    @property
    def is_more_than_noise(self) -> bool:
        """Beyond the margin; never where there is none."""
        return self.margin is not None and abs(self.mean) > self.margin


def spread(values: Sequence[float]) -> Spread:
    """Mean over seeds and its standard error, sd / sqrt n."""
    return Spread(mean=float(np.mean(values)), se=_standard_error(values), seeds=len(values))


def gap(differences: Sequence[float], users_N: Float64 | None) -> Gap:
    """Of the differences by seed; `users_N` are the users' mean differences over the same seeds."""
    mean, se = float(np.mean(differences)), _standard_error(differences)
    users_se = None if users_N is None else _standard_error(users_N)
    reach = None if se is None else se * _student(len(differences) - 1, (1 + CONFIDENCE) / 2)
    return Gap(
        mean=mean,
        low=None if reach is None else mean - reach,
        high=None if reach is None else mean + reach,
        users_se=users_se,
        detectable=_detectable(se, len(differences) - 1, users_se),
    )


def _detectable(se: float | None, freedom: int, users_se: float | None) -> float | None:
    """(t at 97.5% + t at 80%) standard errors, of seeds and users together."""
    seeds = None if se is None else se * (_student(freedom, (1 + CONFIDENCE) / 2) + _student(freedom, POWER))
    users = None if users_se is None else users_se * (_normal(CONFIDENCE) + float(stats.norm.ppf(POWER)))
    return _together(seeds, users)


def _together(*reaches: float | None) -> float | None:
    """Of noises that do not depend on each other, as far as they are known."""
    known = [reach for reach in reaches if reach is not None]
    return math.hypot(*known) if known else None


def _standard_error(values: Sequence[float] | Float64) -> float | None:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def _student(freedom: int, share: float) -> float:
    return float(stats.t.ppf(share, freedom))


def _normal(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))
