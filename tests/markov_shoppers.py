"""Shoppers whose next item is known with a dialled probability: what a sequence model must learn.

predictability 1    each item has one successor, on one cycle through all items
predictability 0    the next item is any other item: nobody can beat popularity
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from hm_pipeline.data.build import build
from hm_pipeline.data.log import LOG_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Protocol, Samples

FIRST_DAY = date(2021, 6, 1)
DAYS = 10


def markov_samples(
    users: int = 200,
    items: int = 30,
    predictability: float = 0.9,
    seed: int = 0,
    protocol: Protocol = "leave_last_out",
    day: date | None = None,
) -> Samples:
    """The samples of a market of such shoppers; `day` is the target day of `next_day`."""
    log = markov_log(users, items, predictability, seed)
    return build(log, Catalogue.empty(), SampleConfig(), protocol, day)


def markov_log(users: int, items: int, predictability: float, seed: int) -> InteractionLog:
    """5 to 20 views a shopper, one every six hours, from a day of his own in a window of ten days."""
    draw = np.random.default_rng(seed)
    successor = _cycle(items, draw)
    frame = pl.concat([_shopper(u, successor, predictability, draw) for u in range(users)])
    frame = frame.filter(pl.col("day") < FIRST_DAY + timedelta(days=DAYS))
    return InteractionLog.of("XX", FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1), frame)


def _cycle(items: int, draw: np.random.Generator) -> np.ndarray:
    around = draw.permutation(items)
    successor = np.empty(items, dtype=np.int64)
    successor[around] = np.roll(around, -1)
    return successor


def _shopper(
    user: int, successor: np.ndarray, predictability: float, draw: np.random.Generator
) -> pl.DataFrame:
    walk = [int(draw.integers(len(successor)))]
    for _ in range(int(draw.integers(4, 20))):
        other = (walk[-1] + int(draw.integers(1, len(successor)))) % len(successor)
        walk.append(int(successor[walk[-1]]) if draw.random() < predictability else other)
    start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(
        days=int(draw.integers(DAYS - 4))
    )
    times = [start + timedelta(hours=6 * step) for step in range(len(walk))]
    return pl.DataFrame(
        {
            "user_id": [f"u{user:04d}"] * len(walk),
            "item_id": [f"i{item:03d}" for item in walk],
            "timestamp": times,
            "day": [time.date() for time in times],
            "event_type": ["view"] * len(walk),
            "order": list(range(len(walk))),
            "price": [None] * len(walk),
        },
        schema=LOG_SCHEMA,
    )
