"""The same lists seen at item level, or as the values of an attribute: category, colour.

    list           3     7     2     -        items, best first
    colour level   red   blue  red   -        hr: is the target's colour there; rank: its first place

Shapes: N users, K places, V vocabulary.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout, Samples
from hm_pipeline.evaluation import accuracy
from hm_pipeline.evaluation.sets import Sets


@dataclass(frozen=True, eq=False)
class Level:
    """Lists and targets in one coding. Codes are not negative; -1 is an empty place."""

    places: Int32  # (N, K)
    targets: Int32  # (N,)
    counts: Int64  # by code: training interactions
    sales: Int64 | None  # by code: purchases
    size: int  # distinct codes in the vocabulary

    @cached_property
    def matches(self) -> Bool:
        """(N, K) which places hold the target."""
        return accuracy.matches(self.places, self.targets)

    @cached_property
    def ranks(self) -> Int64:
        """(N,) of the target, 0 where it is absent."""
        return accuracy.ranks(self.matches)

    @cached_property
    def sets(self) -> Sets:
        """What stands in each list."""
        return Sets.of(self.places)


def item_level(lists: Recommendations, holdout: Holdout, samples: Samples, k: int) -> Level:
    """Items themselves; target 0 (outside the vocabulary) stands in no list."""
    return Level(
        _first(lists.items, k), holdout.targets, samples.counts, samples.sales, len(samples.items) - 1
    )


def attribute_level(items: Level, name: str, holdout: Holdout, samples: Samples) -> Level:
    """Each item replaced by its value of one attribute; a missing value is a value.

    A target outside the vocabulary keeps its value. p of a value is its share of the interactions.
    """
    codes = samples.attributes[name].codes
    return Level(
        places=np.append(codes, np.int32(-1))[items.places],  # the empty place, -1, reads the last
        targets=holdout.target_attributes[name],
        counts=totals(samples.counts, codes),
        sales=None if samples.sales is None else totals(samples.sales, codes),
        size=len(np.unique(codes[1:])),
    )


def totals(counts: Int64, codes: Int32) -> Int64:
    """Sums of `counts` (V,) by code; index 0, no item, counts for nothing."""
    return np.bincount(codes[1:], weights=counts[1:]).astype(np.int64)


def _first(items_NW: Int32, k: int) -> Int32:
    """(N, k): the first k places, filled up with -1 where lists are narrower."""
    missing = max(k - items_NW.shape[1], 0)
    return np.pad(items_NW[:, :k], ((0, 0), (0, missing)), constant_values=-1)
