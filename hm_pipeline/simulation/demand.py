"""A day's popularity: how the next click falls where no order rules. T tastes, V items, N draws."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.errors import ConfigError
from hm_pipeline.simulation.assortment import Assortment
from hm_pipeline.simulation.categories import CATEGORIES
from hm_pipeline.simulation.clientele import Clientele

NOBODY = -1  # stands where there is no article before
FEWEST = 2  # articles on sale


@dataclass(frozen=True, eq=False)
class Demand:
    """base appeal x season x weather x trend x taste, 0 for what is not on sale."""

    weights: Float64  # (T, V) rows sum to 1

    @cached_property
    def _sums(self) -> Float64:
        """(T V + 1,) running sums over all tastes, one after the other."""
        return np.concatenate([[0.0], np.cumsum(self.weights)])

    def draw(self, taste_N: Int32, but_N: Int32, uniform_N: Float64) -> Int32:
        """(N,) an article for each, never the one in `but_N`, by the weights of the others."""
        V = self.weights.shape[1]
        begin = taste_N.astype(np.int64) * V
        low, high = self._hole(begin, but_N)
        start, end = self._sums[begin], self._sums[begin + V]
        at = start + uniform_N * (end - start - (high - low))
        at = np.where(at >= low, at - low + high, at)  # the running sum without the hole
        found = np.searchsorted(self._sums, np.minimum(at, np.nextafter(end, 0)), side="right") - 1
        articles: Int32 = (found - begin).astype(np.int32)
        return articles

    def _hole(self, begin: Int64, but_N: Int32) -> tuple[Float64, Float64]:
        """(N,) twice: the running sums around the article left out; empty where there is none."""
        at = begin + np.maximum(but_N, 0)
        low = self._sums[at]
        return low, np.where(but_N == NOBODY, low, self._sums[at + 1])


def demand(
    items: Assortment, users: Clientele, day: int, when: date, temperature: float, live_V: Bool
) -> Demand:
    """The popularity of one day; `live_V` says what is on sale.

    Raises ConfigError where that are fewer than two articles, as no click is on the one before it.
    """
    if (on_sale := int(live_V.sum())) < FEWEST:
        raise ConfigError(
            f"on {when} {on_sale} of {len(items):,} articles are on sale, and {FEWEST} are needed: the "
            "others are not launched yet or sold out; ask for more items, fewer days or fewer interactions"
        )
    general = np.exp(items.appeal) * items.trend(day) * live_V
    wanted = users.liking * _by_category(when, temperature)
    weights = wanted[:, items.category] * general
    return Demand(weights / weights.sum(axis=1, keepdims=True))


def _by_category(when: date, temperature: float) -> Float64:
    """(categories,) season x weather."""
    into = when.timetuple().tm_yday
    seasons = [c.swing * np.cos(2 * np.pi * (into - c.peak) / 365.25) for c in CATEGORIES]
    return np.exp(np.array(seasons) + temperature * np.array([c.warmth for c in CATEGORIES]))
