"""Interactions in time order, cleaned: what every split starts from (docs/definitions.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from hm_pipeline.data.ahead import ahead
from hm_pipeline.data.arrays import Int32, Int64
from hm_pipeline.data.by_user import ByUser
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.room import ENOUGH
from hm_pipeline.data.sorting import stably
from hm_pipeline.errors import EmptyWindowError


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows sorted by user id, then time, without consecutive duplicates.

    Row r belongs to user `owner[r]`, a position in `user_ids`, and is that user's `position[r]`-th.
    """

    user_ids: pl.Series
    lengths: Int64  # (users,) all >= 1
    item_ids: pl.Series  # (codes,)
    items: Int32  # (rows,) codes
    days: Int32  # (rows,) local days since 1970

    @property
    def starts(self) -> Int64:
        """(users,) first row of each user."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def owner(self) -> Int64:
        """(rows,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def frame(self) -> pl.DataFrame:
        """(user_id, item_id, day) of all rows, for small logs."""
        return self.named(np.arange(len(self.items)))

    def named(self, rows: Int64) -> pl.DataFrame:
        """(user_id, item_id, day) of these rows."""
        columns = {
            "user_id": self.user_ids.gather(self.owner[rows]),
            "item_id": self.item_ids.gather(self.items[rows]),
            "day": pl.Series(self.days[rows]).cast(pl.Date),
        }
        return pl.DataFrame(columns)


def sequences(log: InteractionLog, events: tuple[str, ...], seed: int) -> Sequences:
    """Order each user's interactions and drop an item that repeats the one kept just before.

    Ties of the timestamp follow `order`, else a seeded hash of (user, item, day): the order of a
    source file is not information. A later return to an item stays.
    """
    (whole,) = some_users(log, events, seed, rows=log.size + 1)
    return whole


def some_users(
    log: InteractionLog,
    events: tuple[str, ...],
    seed: int,
    *,
    rows: int = ENOUGH,
    place: Path | None = None,
) -> Iterator[Sequences]:
    """The sequences of all users, about `rows` rows at a time, the users in the order of their ids.

    The others' rows wait in `place`, or in memory. EmptyWindowError where no user has an interaction.
    """
    found = ByUser(log, events, seed, place)
    if not found.rows:
        raise EmptyWindowError(
            f"market {log.market}: no {' or '.join(events)} interaction between {log.first_day} and "
            f"{log.last_day}; check interaction_events of the market, or the days asked for"
        )
    for user, item, day in ahead(found.parts(rows)):
        yield _cleaned(found.user_ids, log.items, user, item, day)


def _cleaned(user_ids: pl.Series, item_ids: pl.Series, user: Int32, item: Int32, day: Int32) -> Sequences:
    """Of rows in time order: by user, and without repetitions."""
    order = stably(user)
    user, item = user[order], item[order]
    kept = np.ones(len(user), np.bool_)
    kept[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    user = user[kept]
    first = np.flatnonzero(np.diff(user, prepend=-1))
    lengths = np.diff(first, append=len(user))
    return Sequences(user_ids.gather(user[first]), lengths, item_ids, item[kept], day[order[kept]])
