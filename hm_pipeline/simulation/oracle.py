"""The best hit ratio that any list can have: that of who knows everything but the click itself.

N clicks asked about, V items, K places, T clicks of the day.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hm_pipeline.data.arrays import Float64, Int32, Int64
from hm_pipeline.errors import ConfigError, EmptyWindowError
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.next_click import next_click
from hm_pipeline.simulation.shop import Day, Shop, State, day_of, open_shop, opening
from hm_pipeline.simulation.trade import parts
from hm_pipeline.simulation.visits import Visits
from hm_pipeline.simulation.walk import walk

Asked = Literal["first", "last", "every"]  # which clicks of the day's sessions
_BLOCK = 1 << 22  # chances held at once


@dataclass(frozen=True)
class BestHitRatio:
    """HR@K of lists that hold the K most probable articles, click by click."""

    mean: float
    se: float  # of the mean, over the clicks asked about
    n: int


def best_hit_ratio(
    config: Simulation, day: int, k: int, asked: Asked = "last", most: int = 2_000
) -> BestHitRatio:
    """Over at most so many clicks of the day of this number, spread evenly; the value of each is exact.

    The lists know the rule, the day's popularity, the user's taste and all that happened before the click;
    where K is more than there are articles they hold all of them. Raises EmptyWindowError where nobody came
    that day, ConfigError where there is no such day or no place in a list.
    """
    _require(config, day, k)
    shop = open_shop(config)
    today = walked_until(shop, day, opening(shop))
    items = walk(today.visits, today.demand, today.rule, config, today.chance.of("walk"))
    at = _spread(_places(today.visits, asked), most)
    if not len(at):
        raise EmptyWindowError(f"nobody comes on day {day} of this shop: there is no click to ask about")
    step = max(1, _BLOCK // config.items)
    most_k = min(k, config.items)
    hits = [_best(config, today, items, at[n : n + step], most_k) for n in range(0, len(at), step)]
    return _summary(np.concatenate(hits))


def _require(config: Simulation, day: int, k: int) -> None:
    if not 0 <= day < config.days:
        raise ConfigError(
            f"this shop of {config.days} days has no day {day}: ask for one from 0 to {config.days - 1}"
        )
    if k < 1:
        raise ConfigError(f"a list of {k} places hits nothing: ask for a K of at least 1")


def walked_until(shop: Shop, number: int, state: State) -> Day:
    """The day of this number as it begins, after the days before it, which are written into `state`."""
    for before in range(number):
        for _ in parts(shop, day_of(shop, before, state), state):
            pass
    return day_of(shop, number, state)


def _places(visits: Visits, asked: Asked) -> Int64:
    match asked:
        case "first":
            return visits.starts
        case "last":
            return visits.starts + visits.lengths - 1
        case "every":
            return np.arange(len(visits.owner))


def _spread(at: Int64, most: int) -> Int64:
    return at[np.linspace(0, len(at) - 1, min(most, len(at))).astype(np.int64)]


def _best(config: Simulation, day: Day, items_T: Int32, at_N: Int64, k: int) -> Float64:
    """(N,) the chance that the K most probable articles hold the click."""
    chances_NV = next_click(config, day, items_T, at_N)
    best: Float64 = np.partition(chances_NV, -k, axis=1)[:, -k:].sum(axis=1)
    return best


def _summary(hits: Float64) -> BestHitRatio:
    return BestHitRatio(float(hits.mean()), float(hits.std() / np.sqrt(len(hits))), len(hits))
