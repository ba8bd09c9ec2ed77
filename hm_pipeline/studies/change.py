"""What older models hit less than a fresh one, with two standard errors (docs/definitions.md).

A figure here is a weighted sum over ages of mean paired differences, d_a = sum of differences / users, each
age pooled over its days. Its error is that of its linear part: every user of every day moves the sum by

    c_u = sum over ages of w_a (difference of u at age a - d_a) / users of age a

so that the ages of one day, which ask the same users, are not taken for independent. An age that was seen on
one day only adds nothing to the error over days, which is then too small.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import stats

from hm_pipeline.data.arrays import Float64
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.statistics import CONFIDENCE


@dataclass(frozen=True, eq=False)
class Pair:
    """An older model and the fresh one on the arrivals of one day."""

    age: int
    day: date
    differences: Float64  # (N,) hit of the older minus hit of the fresh one, user by user


class Change(Frozen):
    """Mean HR of older models minus HR of the model of age 1."""

    mean: float
    days: int  # on which it was measured
    days_se: float | None = None  # each day as one draw; null with fewer than two
    users_se: float | None = None  # each user of a day as one draw; null with fewer than two

    @property
    def se(self) -> float | None:
        """The larger of the two, as far as they are known."""
        return max((se for se in (self.days_se, self.users_se) if se is not None), default=None)

    @property
    def margin(self) -> float | None:
        """Half of the 95% interval: the wider one of Student's t over days and the normal's over users."""
        share = (1 + CONFIDENCE) / 2
        days = None if self.days_se is None else self.days_se * float(stats.t.ppf(share, self.days - 1))
        users = None if self.users_se is None else self.users_se * float(stats.norm.ppf(share))
        return max((reach for reach in (days, users) if reach is not None), default=None)

    @property
    def is_more_than_noise(self) -> bool:
        """Beyond the margin; never where there is none."""
        return self.margin is not None and abs(self.mean) > self.margin


def change(weights: Mapping[int, float], pairs: Iterable[Pair]) -> Change | None:
    """The weighted sum of the changes at these ages; None where none was measured."""
    found = [pair for pair in pairs if weights.get(pair.age, 0.0) != 0.0]
    if not found:
        return None
    by_age = {age: [p for p in found if p.age == age] for age in {p.age for p in found}}
    users = {age: sum(len(p.differences) for p in own) for age, own in by_age.items()}
    means = {age: sum(float(p.differences.sum()) for p in own) / users[age] for age, own in by_age.items()}
    moved = [weights[p.age] / users[p.age] * (p.differences - means[p.age]) for p in found]
    by_day = _by_day(found, moved)
    return Change(
        mean=sum(weights[age] * mean for age, mean in means.items()),
        days=len(by_day),
        days_se=_error(np.array([moves_N.sum() for moves_N in by_day])),
        users_se=_error(np.concatenate(by_day)),
    )


def every(days: int, ages: Sequence[int]) -> dict[int, float] | None:
    """The weights of the mean over ages 1 … `days`: what a model has that is trained so often.

    An age that was not measured is interpolated between its neighbours. None beyond the oldest measured.
    """
    if days > max(ages):
        return None
    unit, whole = np.eye(len(ages)), np.arange(1, days + 1)
    shares = [float(np.interp(whole, ages, unit[place]).mean()) for place in range(len(ages))]
    return {age: share for age, share in zip(ages, shares, strict=True) if share > 0}


def _by_day(found: Sequence[Pair], moved: Sequence[Float64]) -> list[Float64]:
    """(N,) a day: what each of its users moves, all ages together."""
    days: dict[date, Float64] = {}
    for pair, moves_N in zip(found, moved, strict=True):
        days[pair.day] = days[pair.day] + moves_N if pair.day in days else moves_N
    return list(days.values())


def _error(moves: Float64) -> float | None:
    """sqrt(n / (n-1) sum of squares), n draws that sum to zero; null with fewer than two."""
    n = len(moves)
    return math.sqrt(n / (n - 1) * float((moves**2).sum())) if n > 1 else None
