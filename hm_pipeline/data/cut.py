"""All users' histories, cleaned and cut by a protocol: a part of the users at a time.

N users, T interactions, C codes of items in the log.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import assert_never

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.flat import Growing
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.room import Room
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Protocol
from hm_pipeline.data.sequences import Sequences, some_users
from hm_pipeline.data.split import Question, Split, leave_last_out, next_day, refit, thesis
from hm_pipeline.errors import EmptyWindowError


@dataclass(frozen=True, eq=False)
class Cut:
    """Histories one behind the other, the users in the order of their ids."""

    user_ids: pl.Series  # (N,)
    lengths: Int64  # (N,)
    items: Int32  # (T,) codes in the log
    train: Int64  # (N,) how many of each user's first interactions are learned
    questions: dict[str, Question]
    counts: Int64  # (C,) training interactions of each item
    last_day: date  # that is learned from
    days: Int32  # of the training interactions, where their order is to be another one; else empty

    @property
    def starts(self) -> Int64:
        """(N,) first place of each user."""
        return np.cumsum(self.lengths) - self.lengths


def cut_up(
    log: InteractionLog, config: SampleConfig, protocol: Protocol, day: date | None, room: Room
) -> Cut:
    """The log under a protocol. EmptyWindowError where nothing is left to learn from."""
    found = _Found(log, room)
    for s in some_users(log, config.interaction_events, config.seed, rows=room.rows, place=room.scratch):
        found.add(s, _split(s, protocol, day, config), keep_days=config.order != "correct")
    if not found.counts.any():
        raise EmptyWindowError(f"no interaction before {day}: nothing to learn from; import earlier days")
    return found.cut()


def _split(s: Sequences, protocol: Protocol, day: date | None, config: SampleConfig) -> Split:
    match protocol:
        case "leave_last_out":
            return leave_last_out(s)
        case "thesis":
            return thesis(s)
        case "refit":
            return refit(s)
        case "next_day":
            assert day is not None, "next_day needs its target day"
            return next_day(s, day, config.validation_share, config.seed)
        case _:
            assert_never(protocol)


class _Found:
    """What the users seen so far add up to."""

    def __init__(self, log: InteractionLog, room: Room) -> None:
        self.items = Growing(log.size, room.scratch and room.scratch / "items")
        self.counts = np.zeros(len(log.items), np.int64)
        self.last_day = 0  # since 1970
        self.days = [np.empty(0, np.int32)]
        self.user_ids: list[pl.Series] = []
        self.splits: list[tuple[Int64, Split]] = []  # lengths and how they are cut

    def add(self, s: Sequences, split: Split, *, keep_days: bool) -> None:
        """More users."""
        learned = _first(split.train, s.lengths)
        self.items.add(s.items)
        self.counts += np.bincount(s.items[learned], minlength=len(self.counts))
        days = s.days[learned]
        self.last_day = max(self.last_day, int(days.max(initial=0)))
        if keep_days:
            self.days.append(days)
        self.user_ids.append(s.user_ids)
        self.splits.append((s.lengths, split))

    def cut(self) -> Cut:
        """All of it."""
        return Cut(
            user_ids=pl.concat(self.user_ids),
            lengths=np.concatenate([lengths for lengths, _ in self.splits]),
            items=self.items.done(),
            train=np.concatenate([split.train for _, split in self.splits]),
            questions={name: self._question(name) for name in self.splits[0][1].questions},
            counts=self.counts,
            last_day=date(1970, 1, 1) + timedelta(days=self.last_day),
            days=np.concatenate(self.days),
        )

    def _question(self, name: str) -> Question:
        """Of all users together."""
        before = np.cumsum([0, *(len(lengths) for lengths, _ in self.splits)])
        asked = [split.questions[name] for _, split in self.splits]
        return Question(
            np.concatenate([q.users + n for q, n in zip(asked, before, strict=False)]),
            np.concatenate([q.history for q in asked]),
        )


def _first(train: Int64, lengths: Int64) -> Bool:
    """(rows,) whether each row is among the first `train` (users,) of its user."""
    learned = np.tile([True, False], len(train))
    return np.repeat(learned, np.column_stack([train, lengths - train]).ravel())
