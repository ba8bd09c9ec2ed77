"""Rows of one user, stamp and order: a seeded hash of (user, item, day) orders them."""

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sorting import in_runs


def untied(rows: pl.DataFrame, log: InteractionLog, seed: int) -> pl.DataFrame:
    """Rows of a piece, sorted as it is, tied neighbours in the order of their hash, then of their item."""
    same = tied(rows)
    if not same.any():
        return rows
    at = np.flatnonzero(in_runs(same))
    run = np.concatenate([[0], np.cumsum(~same)])[at]
    named = rows[at].select(
        user_id=log.users.gather(rows["user"].gather(at)),
        item_id=log.items.gather(rows["item"].gather(at)),
        day="day",
    )
    order = named.select(
        pl.arg_sort_by(
            pl.Series(run),
            pl.concat_str("user_id", "item_id", "day", separator="\x1f").hash(seed),
            "item_id",
        )
    ).to_series()
    places = np.arange(len(rows))
    places[at] = at[order.to_numpy()]
    return rows[places]


def tied(rows: pl.DataFrame) -> Bool:
    """(rows - 1,) whether nothing but a hash orders a row and the one after it."""
    user, stamp = rows["user"].to_numpy(), rows["timestamp"].to_physical().to_numpy()
    same: Bool = (user[1:] == user[:-1]) & (stamp[1:] == stamp[:-1])
    if same.any() and rows["order"].null_count() < len(rows):
        same &= rows["order"][1:].eq_missing(rows["order"][:-1]).to_numpy()
    return same
