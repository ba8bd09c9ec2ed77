"""What only many rows together show: the same row again, and a user who is no person."""

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA
from hm_pipeline.data.sorting import by_two, in_runs

SAME = ("user_id", "item_id", "timestamp", "event_type", "order", "price", "event_id")
_INSIDE_A_STAMP = ("user", "timestamp", "order", "item", "event", "price", "event_id")


def in_order(rows: pl.DataFrame) -> tuple[Int64, Bool]:
    """(N,) the places of the rows by user and time, then all else, and which of them repeat the one before.

    Of equal rows the first one in `rows` comes first. Only rows of one user and stamp are compared in full.
    """
    user, stamp = rows["user"].to_numpy(), rows["timestamp"].to_physical().to_numpy()
    order = by_two(user, stamp)
    tied = in_runs((np.diff(user[order]) == 0) & (np.diff(stamp[order]) == 0)) if len(order) else order > 0
    repeats = np.zeros(len(order), np.bool_)
    if tied.any():
        order[tied], repeats[tied] = _settled(rows, order[tied])
    return order, repeats


def _settled(rows: pl.DataFrame, places: Int64) -> tuple[Int64, Bool]:
    """The places of tied rows in their order, and which of them repeat the one before."""
    told = [name for name in _INSIDE_A_STAMP if rows[name].null_count() < len(rows)]
    tied = rows.select(told)[places].with_columns(place=pl.Series(places))
    tied = tied.sort(*told, "place", nulls_last=True)
    alike = (pl.col(name).eq_missing(pl.col(name).shift()) for name in told)
    repeats = tied.select(pl.all_horizontal(alike) & (pl.int_range(pl.len()) > 0)).to_series()
    return tied["place"].to_numpy(), repeats.to_numpy()


def busy_users(rows: pl.DataFrame, most: int) -> pl.Series:
    """(N,) whether a row is of a user with more than `most` of them: only he can have so many a day."""
    users = rows["user"].to_numpy()
    return pl.Series((np.bincount(users) > most)[users])


def rejected(rows: pl.DataFrame, why: str) -> pl.DataFrame:
    """Named rows (SAME, file) as the quarantine keeps them."""
    content = pl.struct(pl.col(name).cast(pl.String) for name in SAME).struct.json_encode()
    shown = rows.select(reason=pl.lit(why), file="file", user_id="user_id", row=content)
    return shown.cast(QUARANTINE_SCHEMA)
