"""How lists that were really published did, user by user, on the day they were shown."""

from datetime import date

import numpy as np
import polars as pl

from hm_pipeline.data.sequences import Sequences
from hm_pipeline.evaluation.estimate import Estimate, average


def first_arrivals(s: Sequences, day: date) -> pl.DataFrame:
    """(user_id, item_id): each user's first interaction dated `day`."""
    on_it = np.flatnonzero(s.days == (day - date(1970, 1, 1)).days)
    _, first = np.unique(s.owner[on_it], return_index=True)
    return s.named(on_it[first])


def hit_ratio_shown(lists: pl.DataFrame, default: pl.DataFrame, arrivals: pl.DataFrame) -> Estimate | None:
    """HR of `lists` (user_id, rank, item_id, …) on `arrivals`; who has no row saw `default`.

    None where nobody arrived.
    """
    if arrivals.is_empty():
        return None
    own = arrivals.join(lists.select("user_id", "item_id"), on=["user_id", "item_id"], how="semi")
    strangers = arrivals.join(lists.select("user_id"), on="user_id", how="anti")
    met = strangers.filter(pl.col("item_id").is_in(default["item_id"].to_list()))
    hits = np.zeros(len(arrivals), np.float64)
    hits[: len(own) + len(met)] = 1
    return average(hits)
