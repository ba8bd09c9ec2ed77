"""Means over seeds and paired differences, with what is known of their error (docs/definitions.md).

Two kinds of noise: another seed on the same users (t intervals over seeds), and other users for the same
seeds (the standard error of their mean difference). Their squares add. What one seed makes of one user is
in both and so is counted twice: a difference that is nothing passes in at most one case of twenty, often in
fewer. A noise that is there and not known is not zero: then nothing is more than noise.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from hm_pipeline.data.arrays import Float64
from hm_pipeline.frozen import Frozen

CONFIDENCE, POWER = 0.95, 0.80

Noise = Literal["seeds", "users"]


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
    users_se: float | None = None  # over users, paired where both were asked the same; null: not known
    seeds: int = 1  # pairs of fits that differ
    chance: bool = False  # another seed would give another difference

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
        """Half of the 95% interval over what is known of both; null where neither is."""
        return _together(self.seeds_margin, self.users_margin)

    @property
    def unknown(self) -> tuple[Noise, ...]:
        """Noises that are there, of an unknown size."""
        seeds: tuple[Noise, ...] = ("seeds",) if self.chance and self.high is None else ()
        return seeds if self.users_se is not None else (*seeds, "users")

    @property
    def known(self) -> Noise | None:
        """The one that is known, where the other one is not; null where both are, or neither."""
        match self.unknown:
            case ("seeds",):
                return "users"
            case ("users",) if self.high is not None:
                return "seeds"
            case _:
                return None

    @property
    def is_beyond(self) -> bool:
        """Beyond the margin of what is known; never where nothing is."""
        return self.margin is not None and abs(self.mean) > self.margin

    @property
    def is_more_than_noise(self) -> bool:
        """Beyond the margin of all noise there is."""
        return self.is_beyond and not self.unknown

    @property
    def detectable(self) -> float | None:
        """Smallest true difference that had been found in about four of five cases; null: not all is known.

        (t at 97.5% + t at 80%) standard errors, of seeds and users together.
        """
        return None if self.unknown else _together(self._seeds_reach, self._users_reach)

    @property
    def _seeds_reach(self) -> float | None:
        if self.seeds_margin is None:
            return None
        sure = _student(self.seeds - 1, (1 + CONFIDENCE) / 2)
        return self.seeds_margin * (1 + _student(self.seeds - 1, POWER) / sure)

    @property
    def _users_reach(self) -> float | None:
        found = _normal(CONFIDENCE) + float(stats.norm.ppf(POWER))
        return None if self.users_se is None else self.users_se * found


def spread(values: Sequence[float]) -> Spread:
    """Mean over seeds and its standard error, sd / sqrt n."""
    return Spread(mean=float(np.mean(values)), se=standard_error(values), seeds=len(values))


def gap(differences: Sequence[float], users_se: float | None, *, chance: bool = False) -> Gap:
    """Of the differences by seed; `users_se` is the error of their mean over users, null where not known."""
    mean, se = float(np.mean(differences)), standard_error(differences)
    reach = None if se is None else se * _student(len(differences) - 1, (1 + CONFIDENCE) / 2)
    return Gap(
        mean=mean,
        low=None if reach is None else mean - reach,
        high=None if reach is None else mean + reach,
        users_se=users_se,
        seeds=len(differences),
        chance=chance or len(differences) > 1,
    )


def _together(*reaches: float | None) -> float | None:
    """Of noises that do not depend on each other, as far as they are known."""
    known = [reach for reach in reaches if reach is not None]
    return math.hypot(*known) if known else None


def standard_error(values: Sequence[float] | Float64) -> float | None:
    """Of the mean, sd / sqrt n; null with fewer than two."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def _student(freedom: int, share: float) -> float:
    return float(stats.t.ppf(share, freedom))


def _normal(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))
