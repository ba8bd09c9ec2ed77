"""What a longevity study found: HR by age, and what it costs to train less often than each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from hm_pipeline.config import RunConfig
from hm_pipeline.data.arrays import Float64
from hm_pipeline.evaluation import longevity
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Pooled, curve, points
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.change import Change, Pair, change, every
from hm_pipeline.studies.longevity import LongevityStudy


@dataclass(frozen=True, eq=False)
class Heard:
    """How the model that was fitted for one day's night answered the arrivals of that day or a later one."""

    model: str
    own: date  # the day it was fitted for: it learned all days before
    day: date  # whose arrivals were asked
    seconds: float  # to fit
    evaluation: Evaluation
    cut: bool = False  # by the clock of the night that had fitted it

    @property
    def age(self) -> int:
        """In days; 1 on its own day."""
        return (self.day - self.own).days + 1


class AtAge(Frozen):
    """All days of one age."""

    pooled: Pooled
    change: Change | None = None  # of HR against age 1, paired; None at age 1

    @property
    def age(self) -> int:
        """In days."""
        return self.pooled.age


class Price(Frozen):
    """A model that is trained every so many days instead of each."""

    every: int  # days
    hr: float | None = None  # HR of age 1 plus the change; null: older than what was measured
    change: Change | None = None  # mean over ages 1 … every; null where that is age 1 or was not measured


class Aged(Frozen):
    """One model."""

    model: str
    ages: tuple[AtAge, ...]  # ascending
    prices: tuple[Price, ...]
    seconds: float  # to fit, on average
    cut: int = 0  # fits that a night's clock had ended

    @property
    def fresh(self) -> Pooled:
        """At age 1."""
        return self.ages[0].pooled


class Ageing(Frozen):
    """All of a longevity study on one market and run date."""

    study: LongevityStudy
    market: str
    day: date
    profile: str
    k: int
    holdout: str
    days: tuple[date, ...]  # asked, oldest first
    notes: tuple[str, ...]  # days that were passed over, and why
    models: tuple[Aged, ...]


def ageing(
    study: LongevityStudy,
    config: RunConfig,
    day: date,
    holdout: str,
    notes: tuple[str, ...],
    heard: Sequence[Heard],
) -> Ageing:
    """Of all that was heard. ModelError where an older model was asked otherwise than the fresh one."""
    return Ageing(
        study=study,
        market=config.market.name,
        day=day,
        profile=config.profile,
        k=config.publish.k,
        holdout=holdout,
        days=tuple(sorted({one.day for one in heard})),
        notes=notes,
        models=tuple(_aged(study, m, [one for one in heard if one.model == m]) for m in study.models),
    )


def _aged(study: LongevityStudy, model: str, heard: Sequence[Heard]) -> Aged:
    pooled, pairs = _curve(heard), _pairs(heard)
    seconds = {one.own: one.seconds for one in heard}
    return Aged(
        model=model,
        ages=tuple(AtAge(pooled=p, change=change({p.age: 1.0}, pairs)) for p in pooled),
        prices=tuple(_price(days, pooled, pairs) for days in study.retraining),
        seconds=float(np.mean(list(seconds.values()))),
        cut=len({one.own for one in heard if one.cut}),
    )


def _curve(heard: Sequence[Heard]) -> tuple[Pooled, ...]:
    """As the nights' curve is made of their champions."""
    days = sorted({one.day for one in heard})
    return curve(p for day in days for p in points(day, [_asked(h) for h in heard if h.day == day]))


def _asked(one: Heard) -> longevity.Asked:
    learned = one.own - timedelta(days=1)
    return longevity.Asked(one.model, 0, learned, one.evaluation)  # version 0: it is not registered


def _pairs(heard: Sequence[Heard]) -> list[Pair]:
    fresh = {one.day: one.evaluation for one in heard if one.age == 1}
    return [
        Pair(one.age, one.day, _hits(one.evaluation) - _hits(fresh[one.day])) for one in heard if one.age > 1
    ]


def _hits(evaluation: Evaluation) -> Float64:
    return evaluation.hits.astype(np.float64)


def _price(days: int, pooled: Sequence[Pooled], pairs: Sequence[Pair]) -> Price:
    weights = every(days, [p.age for p in pooled])
    if weights is None:
        return Price(every=days)
    found = change(weights, pairs)
    return Price(every=days, hr=pooled[0].hr + (found.mean if found else 0.0), change=found)
