"""Lists and targets for everybody, drawn: what a metric costs depends on how many there are."""

import numpy as np

from hm_pipeline.data.arrays import Int32
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout, Samples

SPREAD = 300  # items between two places of a list, at most


def made_question(known: Samples, k: int) -> tuple[Recommendations, Holdout]:
    """Lists of k different items, popular more often than not; the target is each history's last item."""
    chance = np.random.default_rng(1)
    items = _drawn(chance, len(known.train), k, len(known.items))
    targets = known.train.last
    attributes = {name: attribute.codes[targets] for name, attribute in known.attributes.items()}
    return Recommendations(items, np.zeros(items.shape, np.float32)), Holdout(
        known.train, targets, attributes
    )


def _drawn(chance: np.random.Generator, users: int, k: int, size: int) -> Int32:
    """(users, k): a start that is low more often than high, and steps from place to place."""
    spread = min(SPREAD, (size - 1) // k)
    starts = (size * chance.random((users, 1)) ** 3).astype(np.int32)
    steps = chance.integers(1, spread + 1, (users, k), dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return 1 + (starts + steps) % (size - 1)
