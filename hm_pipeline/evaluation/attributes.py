"""The same lists seen at item level, or as the values of an attribute: category, colour.

    list           3     7     2     -        items, best first
    colour level   red   blue  red   -        hr: is the target's colour there; rank: its first place

Shapes: N users, K places, V vocabulary.
"""

from dataclasses import dataclass

import numpy as np

from hm_pipeline.data.arrays import Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout, Samples


@dataclass(frozen=True, eq=False)
class Level:
    """Lists and targets in one coding. Codes are not negative; -1 is an empty place."""

    places: Int32  # (N, K)
    targets: Int32  # (N,)
    counts: Int64  # by code: training interactions
    sales: Int64 | None  # by code: purchases
    size: int  # distinct codes in the vocabulary


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
        places=np.where(items.places >= 0, codes[np.maximum(items.places, 0)], -1).astype(np.int32),
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
