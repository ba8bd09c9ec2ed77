"""Training histories out of order: what order is worth is what a model loses by it (docs/definitions.md).

    correct   a b | c d e | f        | is midnight in the market's zone
    day       b a | d e c | f        shuffled inside each local day
    random    d a   f b c   e        shuffled altogether

T known training interactions of all users, N users.
"""

from typing import Literal

import numpy as np

from hm_pipeline.data.arrays import Int32
from hm_pipeline.data.histories import Histories

Order = Literal["correct", "day", "random"]


def shuffled(train: Histories, days_T: Int32, order: Order, seed: int) -> Histories:
    """The same items of the same users in another order, over an array of their own.

    `days_T` are the local days of the interactions of `train`, row after row. What was the last item of
    a row stays its `last`: only what is learned changes, never what is asked.
    """
    rows_T, items_T = train.interactions()
    chance_T = np.random.default_rng(seed).random(len(items_T))
    keys = {
        "correct": (np.arange(len(items_T)), rows_T),
        "day": (chance_T, days_T, rows_T),
        "random": (chance_T, rows_T),
    }
    ends = np.cumsum(train.lengths)
    return Histories(
        items_T[np.lexsort(keys[order])].astype(np.int32),
        ends - train.lengths,
        ends,
        train.users,
        train.last,
    )
