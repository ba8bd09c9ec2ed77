"""What a log can tell about time and order at all: what a study needs to know before it asks."""

import numpy as np
import polars as pl

from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sequences import sequences
from hm_pipeline.frozen import Frozen


class Traits(Frozen):
    """Shares between 0 and 1, lengths in interactions of cleaned histories."""

    users: int
    items: int
    interactions: int
    returning: float  # users seen on more than one local day
    same_day: float  # interactions that follow another one of the same user and local day
    tied: float  # of those, the ones with the same stamp and nothing that orders the two
    median_length: float
    longest: int
    lengths: tuple[int, ...]  # the quantiles 0, 0.01 … 1

    def share_longer(self, length: int) -> float:
        """Share of users whose history is longer, to a hundredth."""
        return sum(one > length for one in self.lengths) / len(self.lengths)


def traits(log: InteractionLog, events: tuple[str, ...], seed: int) -> Traits:
    """Of the histories that these events make."""
    s = sequences(log, events, seed)
    days = s.frame["day"].to_physical().to_numpy()
    follows = s.owner[1:] == s.owner[:-1]
    same = follows & (days[1:] == days[:-1])
    returning = np.bincount(s.owner[1:][follows & ~same], minlength=len(s.lengths)) > 0
    return Traits(
        users=len(s.lengths),
        items=s.frame["item_id"].n_unique(),
        interactions=len(s.frame),
        returning=float(returning.mean()),
        same_day=float(same.sum() / len(s.frame)),
        tied=_tied(log, events),
        median_length=float(np.median(s.lengths)),
        longest=int(s.lengths.max()),
        lengths=tuple(int(q) for q in np.quantile(s.lengths, np.linspace(0, 1, 101))),
    )


def _tied(log: InteractionLog, events: tuple[str, ...]) -> float:
    """Share of a day's followers with the stamp and order of the one before: only a hash orders them."""
    by_user = pl.col("user_id") == pl.col("user_id").shift()
    same_day = by_user & (pl.col("day") == pl.col("day").shift())
    tie = (
        same_day
        & (pl.col("timestamp") == pl.col("timestamp").shift())
        & pl.col("order").eq_missing(pl.col("order").shift())
    )
    found = (
        log.frame.lazy()
        .filter(pl.col("event_type").is_in(list(events)))
        .sort("user_id", "timestamp", "order")
        .select(pl.col("user_id"), tie=tie, same_day=same_day)
        .select(share=pl.col("tie").sum() / pl.col("same_day").sum())
        .collect()
    )
    share = found["share"].item()
    return 0.0 if share is None or np.isnan(share) else float(share)
