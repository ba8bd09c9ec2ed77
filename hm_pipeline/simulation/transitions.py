"""The rule of order: which articles follow which, and with what weight. V items, S successors, N draws.

The articles of a category stand in a ring by price. The s-th successor of an article is one of a band of
BAND places in the ring, the 1st, 3rd, … above it and the 2nd, 4th, … below, chosen by appeal; its weight
is 1 / s.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.simulation.assortment import Assortment
from hm_pipeline.simulation.chance import Chance

SUCCESSORS = 10
BAND = 32
_RULE = 1 / np.arange(1, SUCCESSORS + 1)


@dataclass(frozen=True, eq=False)
class Transitions:
    """The rule of one day: what is not on sale follows nothing. One article may be several successors."""

    successors: Int32  # (V, S)
    weights: Float64  # (V, S)

    @cached_property
    def _sums(self) -> Float64:
        return np.cumsum(self.weights, axis=1)

    def follows(self, before_N: Int32) -> Bool:
        """(N,) whether anything follows the article; nothing follows NOBODY."""
        follows: Bool = (before_N >= 0) & (self._sums[before_N, -1] > 0)
        return follows

    def draw(self, before_N: Int32, uniform_N: Float64) -> Int32:
        """(N,) a successor of each of these articles, which something follows."""
        sums_NS = self._sums[before_N]
        slot = (sums_NS <= (uniform_N * sums_NS[:, -1])[:, None]).sum(axis=1)
        drawn: Int32 = self.successors[before_N, np.minimum(slot, SUCCESSORS - 1)]
        return drawn


def transitions(successors: Int32, live_V: Bool) -> Transitions:
    """What is left of the rule where only some articles are on sale."""
    itself = successors == np.arange(len(successors))[:, None]
    return Transitions(successors, _RULE * (live_V[successors] & ~itself))


def successors(items: Assortment, chance: Chance) -> Int32:
    """(V, S) the rule, launched or not; in a category of one article it is its own."""
    ring = _Ring(items)
    slots = [_chosen(ring, items.appeal, slot, chance.of(slot)) for slot in range(SUCCESSORS)]
    return np.stack(slots, axis=1)


class _Ring:
    """Where each article stands among those of its category."""

    def __init__(self, items: Assortment) -> None:
        self.order = np.lexsort((items.price, items.category)).astype(np.int32)
        self.size = np.bincount(items.category)[items.category]  # (V,)
        self.begin = np.searchsorted(items.category[self.order], items.category)  # (V,)
        self.place = np.argsort(self.order) - self.begin  # (V,) the inverse of the order

    def away(self, steps: Int64) -> Int32:
        """(V, steps) the articles so many places away from each."""
        place = (self.place[:, None] + steps) % self.size[:, None]
        found: Int32 = self.order[self.begin[:, None] + place]
        return found


def _chosen(ring: _Ring, appeal: Float64, slot: int, chance: Chance) -> Int32:
    """(V,) one of each band with chance in proportion to exp(appeal): the first of a race."""
    far = 1 + slot // 2 * BAND + np.arange(BAND)
    band_VB = ring.away(far if slot % 2 == 0 else -far)
    uniform = chance.uniform(np.arange(band_VB.size)).reshape(band_VB.shape)
    first = (-np.log1p(-uniform) * np.exp(-appeal[band_VB])).argmin(axis=1)
    chosen: Int32 = band_VB[np.arange(len(band_VB)), first]
    return chosen
