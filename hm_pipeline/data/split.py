"""Who learns from what, and who is asked what: the protocols (docs/definitions.md).

    leave_last_out   h_1 … h_{n-2} | h_{n-1} validation | h_n test        (n = 2: h_1 | – | h_2)
    thesis           h_1 … h_{n-1} | h_n validation and test, to reproduce the thesis's tables
    next_day T       days < T      | a tenth of the users give their last item before T | arrivals of T
    refit            all days, no holdout

A split says for each user how many of his interactions train, and for each holdout which users
are asked, how much history they bring and which position is the target. `build` turns that into Samples.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.data.sequences import Sequences

_DAY_0 = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Question:
    """One holdout: `users` (N,) bring their first `history` (N,) items, and the next one is the target."""

    users: Int64
    history: Int64


@dataclass(frozen=True, eq=False)
class Split:
    """`train` (users,): how many of each user's first interactions are training targets."""

    train: Int64
    questions: dict[str, Question]


def leave_last_out(s: Sequences) -> Split:
    """Protocol A: the last interaction tests, the last but one validates, the rest trains."""
    n = s.lengths
    train = np.where(n >= 3, n - 2, np.minimum(n, 1))
    return Split(train, {"validation": _asked(n >= 3, n - 2), "test": _asked(n >= 2, n - 1)})


def thesis(s: Sequences) -> Split:
    """The thesis's own: selection on the test set. Every result that uses it says so."""
    n = s.lengths
    last = _asked(n >= 2, n - 1)
    return Split(np.where(n >= 2, n - 1, n), {"validation": last, "test": last})


def refit(s: Sequences) -> Split:
    """Everything trains, nobody is asked."""
    return Split(s.lengths, {})


def next_day(s: Sequences, day: date, validation_share: float, seed: int) -> Split:
    """Protocol B: parameters from the days before `day`, one target a user among its arrivals."""
    early = s.days < (day - _DAY_0).days
    before = np.add.reduceat(early, s.starts, dtype=np.int64)
    validates = _hashed_share(s.user_ids, validation_share, seed) & (before >= 2)
    arrives = s.lengths > before
    return Split(
        train=np.where(validates, before - 1, before),
        questions={
            "validation": _asked(validates, before - 1),
            "first": _asked(arrives, before),
            "last": _asked(arrives, s.lengths - 1),
        },
    )


def _asked(who: Bool, history: Int64) -> Question:
    users = np.flatnonzero(who)
    return Question(users, history[users])


def _hashed_share(ids: pl.Series, share: float, seed: int) -> Bool:
    """The same users every night and on every machine, whoever else is in the window."""
    return ids.hash(seed).to_numpy() < np.uint64(share * 2**64)
