"""Clicks and purchases as rows of web_interactions. T clicks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.simulation.assortment import item_ids
from hm_pipeline.simulation.clientele import user_ids

_AFTER_A_CLICK = 500  # milliseconds to the purchase: before the next click


@dataclass(frozen=True, eq=False)
class Clicks:
    """What happened, session by session."""

    users: Int32  # (T,)
    items: Int32  # (T,)
    times: Int64  # (T,) milliseconds since 1970, UTC
    bought: Bool  # (T,)

    def __len__(self) -> int:
        """T."""
        return len(self.users)

    def rows(self, price_V: Float64) -> pl.DataFrame:
        """A `view` a click and a `purchase` after those that were bought, by time."""
        views = self._rows("view", price_V)
        bought = self._take(self.bought)._rows("purchase", price_V)
        stamp = pl.col("timestamp").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
        rows = pl.concat([views, bought.with_columns(pl.col("timestamp") + _AFTER_A_CLICK)])
        return rows.sort("timestamp", "user_id", "item_id", "event_type").with_columns(stamp)

    def _rows(self, event: str, price_V: Float64) -> pl.DataFrame:
        columns = {
            "user_id": user_ids(self.users),
            "item_id": item_ids(self.items),
            "timestamp": self.times,
            "event_type": pl.repeat(event, len(self), dtype=pl.String, eager=True),
            "price": price_V[self.items],
        }
        return pl.DataFrame(columns)

    def _take(self, rows: Bool) -> "Clicks":
        return Clicks(self.users[rows], self.items[rows], self.times[rows], self.bought[rows])


def joined(parts: Sequence[Clicks]) -> Clicks:
    """One after the other."""
    return Clicks(
        np.concatenate([part.users for part in parts]),
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.bought for part in parts]),
    )


NO_CLICKS = Clicks(
    np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, dtype=np.bool_)
)
