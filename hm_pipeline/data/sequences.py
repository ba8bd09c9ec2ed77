"""Interactions in time order, cleaned: what every split starts from (docs/definitions.md)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Int64
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.errors import EmptyWindowError


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows (user_id, item_id, day) sorted by user, then time, without consecutive duplicates.

    Row r belongs to user `owner[r]`, a position in `user_ids`, and is that user's `position[r]`-th.
    """

    frame: pl.DataFrame
    user_ids: pl.Series
    lengths: Int64  # (users,)
    owner: Int64  # (rows,)
    position: Int64  # (rows,) from 0

    @property
    def starts(self) -> Int64:
        """(users,) first row of each user."""
        return np.cumsum(self.lengths) - self.lengths


def sequences(log: InteractionLog, events: tuple[str, ...], seed: int) -> Sequences:
    """Order each user's interactions and drop an item that repeats the one kept just before.

    Ties of the timestamp follow `order`, else a seeded hash of (user, item, day): the order of a
    source file is not information. A later return to an item stays.
    """
    frame = (
        log.frame.lazy()
        .filter(pl.col("event_type").is_in(list(events)))
        .with_columns(tie=pl.concat_str("user_id", "item_id", "day", separator="\x1f").hash(seed))
        .sort("user_id", "timestamp", "order", "tie", "item_id", nulls_last=True)
        .filter(
            pl.col("item_id").ne_missing(pl.col("item_id").shift())
            | pl.col("user_id").ne_missing(pl.col("user_id").shift())
        )
        .select("user_id", "item_id", "day")
        .collect()
    )
    if frame.is_empty():
        raise EmptyWindowError(
            f"market {log.market}: no {' or '.join(events)} interaction between {log.first_day} and "
            f"{log.last_day}; check interaction_events of the market, or the days asked for"
        )
    runs = frame["user_id"].rle().struct.unnest()
    lengths = runs["len"].to_numpy().astype(np.int64)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(frame)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Sequences(frame, runs["value"].rename("id"), lengths, owner, position)
