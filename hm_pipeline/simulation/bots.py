"""Robots: thousands of clicks a day, at an even pace, on whatever is on sale."""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.clicks import Clicks

FEWEST, MOST = 2_000, 6_000  # clicks a day


def bot_lengths(bots: int, chance: Chance) -> Int64:
    """(bots,) clicks of the day."""
    return FEWEST + np.floor(chance.uniform(np.arange(bots)) * (MOST - FEWEST)).astype(np.int64)


def bot_clicks(user: int, clicks: int, live_V: Bool, begin: int, length: int, chance: Chance) -> Clicks:
    """One bot's day, which begins at this millisecond since 1970 and has so many milliseconds."""
    which = np.arange(clicks)
    live = np.flatnonzero(live_V).astype(np.int32)
    items = live[(chance.of(user).uniform(which) * len(live)).astype(np.int64)]
    users = np.full(clicks, user, dtype=np.int32)
    return Clicks(users, items, begin + which * length // clicks, np.zeros(clicks, dtype=np.bool_))
