"""How long a model stays good: champions of earlier nights on tonight's arrivals, by their age.

    learned up to      06-01  06-02  06-03  …  06-06 | 06-07 the arrivals
    age in days            6      5      4        1  |

The age of a model is the number of days between the last day it learned and the day it is asked about; one
that learned all there was before the arrivals has age 1. Nights are pooled by users. Since nights differ in
difficulty, and not every age is there each night, the second figure is the fairer one: the HR that was lost
against the model of age 1 of the same kind, asked the same on the same night, user by user.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.paired import Difference, paired
from hm_pipeline.frozen import Frozen
from hm_pipeline.markdown import table

_FRESH = 1  # the age of a model that learned everything before the arrivals


@dataclass(frozen=True, eq=False)
class Asked:
    """A champion and how it answered tonight's arrivals."""

    kind: str
    version: int
    learned: date  # the last day it learned
    evaluation: Evaluation


class Point(Frozen):
    """One champion on the arrivals of one day."""

    day: date  # of the arrivals
    kind: str
    version: int
    learned: date  # the last day it learned
    age: int  # days from `learned` to `day`
    hr: float
    se: float | None
    users: int
    against_fresh: Difference = Difference()  # its HR minus that of age 1 of its kind; empty without one


class Pooled(Frozen):
    """All points of one age."""

    age: int
    nights: int
    users: int
    hr: float
    se: float | None  # null where a night's is
    against_fresh: Difference = Difference()


_UNMET = {"against_fresh": Difference()}  # older code met the fresh one of another kind


def points(day: date, asked: Sequence[Asked]) -> tuple[Point, ...]:
    """A point a champion that was asked about the arrivals of `day`, the youngest first."""
    ordered = sorted(asked, key=lambda a: (-a.learned.toordinal(), -a.version))
    young = (a for a in reversed(ordered) if (day - a.learned).days == _FRESH)
    fresh = {a.kind: a.evaluation for a in young}  # of several the highest version, which comes last
    return tuple(point for a in ordered if (point := _point(day, a, fresh.get(a.kind))) is not None)


def curve(found: Iterable[Point]) -> tuple[Pooled, ...]:
    """The points of all nights by age, each user of each night with the same weight."""
    found, by_age = list(found), dict[int, list[Point]]()
    fresh = {(point.day, point.kind) for point in found if point.age == _FRESH}
    for point in found:
        met = point if (point.day, point.kind) in fresh else point.model_copy(update=_UNMET)
        by_age.setdefault(point.age, []).append(met)
    return tuple(_pooled(age, by_age[age]) for age in sorted(by_age))


def markdown(pooled: Sequence[Pooled]) -> str:
    """The curve as a table."""
    rows = (
        (str(p.age), str(p.nights), f"{p.users:,}", _share(Estimate(mean=p.hr, se=p.se)), _lost(p))
        for p in pooled
    )
    return table(("age in days", "nights", "users", "hr, %", "against age 1, points"), rows, text=())


def _point(day: date, asked: Asked, fresh: Evaluation | None) -> Point | None:
    hr = asked.evaluation.metrics["hr"]
    if hr.mean is None:  # nobody arrived
        return None
    return Point(
        day=day,
        kind=asked.kind,
        version=asked.version,
        learned=asked.learned,
        age=(day - asked.learned).days,
        hr=hr.mean,
        se=hr.se,
        users=asked.evaluation.n,
        against_fresh=Difference() if fresh is None else paired(asked.evaluation, fresh),
    )


def _pooled(age: int, found: Sequence[Point]) -> Pooled:
    """Mean over users; the nights' errors are independent: se² = sum (n se)² / (sum n)²."""
    users = sum(p.users for p in found)
    errors = [p.users * p.se for p in found if p.se is not None]
    return Pooled(
        age=age,
        nights=len({p.day for p in found}),
        users=users,
        hr=sum(p.users * p.hr for p in found) / users,
        se=math.hypot(*errors) / users if len(errors) == len(found) else None,
        against_fresh=sum((p.against_fresh for p in found), Difference()),
    )


def _share(estimate: Estimate, sign: str = "") -> str:
    if estimate.mean is None:
        return "-"
    error = "" if estimate.se is None else f" ±{100 * estimate.se:.2f}"
    return f"{100 * estimate.mean:{sign}.2f}{error}"


def _lost(p: Pooled) -> str:
    lost = p.against_fresh
    return "-" if p.age == _FRESH else _share(Estimate(mean=lost.mean, se=lost.se), "+")
