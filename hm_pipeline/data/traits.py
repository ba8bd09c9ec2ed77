"""What a log can tell about time and order at all: what a study needs to know before it asks."""

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Int64
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sequences import some_users
from hm_pipeline.data.ties import tied
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
    of_length: dict[int, int] = {}  # length -> users; empty in answers of older code, which had
    lengths: tuple[int, ...] = ()  # its quantiles 0, 0.01 … 1

    def share_longer(self, length: int) -> float:
        """Share of users whose history is longer."""
        return sum(users for own, users in self.of_length.items() if own > length) / self.users


def traits(log: InteractionLog, events: tuple[str, ...], seed: int) -> Traits:
    """Of the histories that these events make."""
    seen, same = np.zeros(len(log.items), np.bool_), 0
    lengths, returning = [], []
    for s in some_users(log, events, seed):
        follows = s.owner[1:] == s.owner[:-1]
        today = follows & (s.days[1:] == s.days[:-1])
        same += int(today.sum())
        seen[s.items] = True
        lengths.append(s.lengths)
        returning.append(np.bincount(s.owner[1:][follows & ~today], minlength=len(s.lengths)) > 0)
    of_users = np.concatenate(lengths)
    return Traits(
        users=len(of_users),
        items=int(seen.sum()),
        interactions=int(of_users.sum()),
        returning=float(np.concatenate(returning).mean()),
        same_day=float(same / of_users.sum()),
        tied=_tied(log, events),
        median_length=float(np.median(of_users)),
        longest=int(of_users.max()),
        of_length=_counted(of_users),
    )


def _counted(lengths: Int64) -> dict[int, int]:
    """Length -> users, the shortest first."""
    found, users = np.unique(lengths, return_counts=True)
    return dict(zip(found.tolist(), users.tolist(), strict=True))


def _tied(log: InteractionLog, events: tuple[str, ...]) -> float:
    """Share of a day's followers with the stamp and order of the one before: only a hash orders them."""
    ties = followers = 0
    for piece in log.pieces("user", "timestamp", "day", "event", "order"):
        rows = piece.filter(pl.col("event").is_in(log.codes(events)))
        user, day = rows["user"].to_numpy(), rows["day"].to_physical().to_numpy()
        follows = (user[1:] == user[:-1]) & (day[1:] == day[:-1])
        followers += int(follows.sum())
        ties += int((follows & tied(rows)).sum())
    return ties / followers if followers else 0.0
