"""InteractionLog and Catalogue to Samples."""

from dataclasses import replace
from datetime import date
from typing import assert_never

import numpy as np
import polars as pl
from pydantic import Field

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.samples import Attribute, Holdout, Protocol, Samples
from hm_pipeline.data.sequences import Sequences, sequences
from hm_pipeline.data.shuffle import Order, shuffled
from hm_pipeline.data.split import Question, Split, leave_last_out, next_day, refit, thesis
from hm_pipeline.data.values import item_values
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.frozen import Frozen

ATTRIBUTES = ("category", "colour")


class SampleConfig(Frozen):
    """How a log becomes samples."""

    interaction_events: tuple[str, ...] = ("view",)  # which events make a history
    validation_share: float = Field(default=0.1, ge=0, lt=1)  # of the users, by hash, under next_day
    seed: int = 20210601
    order: Order = "correct"  # of training histories; the others are for studies of what order is worth
    order_seed: int = 1


def build(
    log: InteractionLog,
    catalogue: Catalogue,
    config: SampleConfig,
    protocol: Protocol,
    day: date | None = None,
) -> Samples:
    """The samples of a log under a protocol.

    `day` is the last day looked at, whatever the log holds; under `next_day` it is the target day T.
    Raises EmptyWindowError where nothing is left to learn from.
    """
    log = log if day is None else replace(log, frame=log.frame.filter(pl.col("day") <= day))
    s = sequences(log, config.interaction_events, config.seed)
    split = _split(s, protocol, day, config)
    training = s.position < split.train[s.owner]
    items = _item_vocabulary(s.frame["item_id"].filter(training))
    codes = items.encode(s.frame["item_id"])
    rows = np.flatnonzero(split.train)
    users = Vocabulary(s.user_ids.gather(rows))
    user_index = np.zeros(len(s.lengths), dtype=np.int32)
    user_index[rows] = np.arange(1, len(users), dtype=np.int32)
    gather = _Gather(s, codes, user_index)
    attributes = {name: _attribute(catalogue, name, items) for name in ATTRIBUTES}
    seen_days = s.frame["day"].filter(training)
    last_day: date = seen_days.max()  # type: ignore[assignment]
    train = gather.histories(rows, split.train[rows])
    days = seen_days.filter(codes[training] > 0)
    return Samples(
        market=log.market,
        protocol=protocol,
        first_day=str(log.first_day),
        last_day=str(last_day),
        items=items,
        users=users,
        train=_ordered(train, days, config),
        counts=_counts(codes[training], len(items)),
        sales=_sales(log, items, last_day),
        attributes={name: attribute for name, (attribute, _) in attributes.items()},
        values=item_values(log, catalogue, items, last_day),
        holdouts={
            name: gather.holdout(question, {a: lookup for a, (_, lookup) in attributes.items()})
            for name, question in split.questions.items()
        },
    )


def _ordered(train: Histories, days: pl.Series, config: SampleConfig) -> Histories:
    """Training histories in the order that is asked for; `days` are those of their interactions."""
    if config.order == "correct":
        return train
    return shuffled(train, days.to_physical().to_numpy(), config.order, config.order_seed)


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


def _item_vocabulary(trained: pl.Series) -> Vocabulary:
    """Training items by descending count, then id."""
    counts = trained.alias("id").value_counts(name="n").sort(["n", "id"], descending=[True, False])
    return Vocabulary(counts["id"])


def _counts(codes: Int32, size: int) -> Int64:
    counts = np.bincount(codes, minlength=size).astype(np.int64)
    counts[0] = 0
    return counts


def _sales(log: InteractionLog, items: Vocabulary, last_day: date) -> Int64 | None:
    bought = log.frame.filter((pl.col("event_type") == "purchase") & (pl.col("day") <= last_day))
    return _counts(items.encode(bought["item_id"]), len(items)) if len(bought) else None


class _Gather:
    """Cuts views out of the one flat array from which unknown items are gone."""

    def __init__(self, s: Sequences, codes: Int32, user_index: Int32) -> None:
        known: Bool = codes > 0
        self.s, self.codes, self.user_index = s, codes, user_index
        self.flat = codes[known]
        self.kept_before = np.concatenate([[0], np.cumsum(known)]).astype(np.int64)  # (rows + 1,)

    def histories(self, users: Int64, length: Int64) -> Histories:
        """The first `length` (N,) raw items of these users (N,), unknown items left out."""
        start = self.s.starts[users]
        end = start + length
        last = np.where(length > 0, self.codes[np.maximum(end - 1, 0)], 0).astype(np.int32)
        return Histories(
            self.flat, self.kept_before[start], self.kept_before[end], self.user_index[users], last
        )

    def holdout(self, question: Question, lookups: dict[str, pl.DataFrame]) -> Holdout:
        rows = self.s.starts[question.users] + question.target
        ids = self.s.frame["item_id"].gather(rows)
        return Holdout(
            self.histories(question.users, question.history),
            self.codes[rows],
            {name: _code(ids, lookup) for name, lookup in lookups.items()},
        )


def _attribute(catalogue: Catalogue, name: str, items: Vocabulary) -> tuple[Attribute, pl.DataFrame]:
    """The attribute over the vocabulary, and a lookup (item_id, code) for items outside it."""
    values = catalogue.articles.select("item_id", value=pl.col(name).fill_null(""))
    distinct = sorted({"", *values["value"]})
    coded = pl.DataFrame({"value": distinct, "code": np.arange(len(distinct), dtype=np.int32)})
    lookup = values.join(coded, on="value", how="left").select("item_id", "code")
    codes = np.concatenate([np.zeros(1, np.int32), _code(items.ids, lookup)])
    return Attribute(tuple(distinct), codes), lookup


def _code(ids: pl.Series, lookup: pl.DataFrame) -> Int32:
    """(N,) codes; an item the catalogue does not know has the empty text, code 0."""
    wanted = pl.DataFrame({"item_id": ids})
    found = wanted.join(lookup, on="item_id", how="left", maintain_order="left")
    return found["code"].fill_null(0).to_numpy().astype(np.int32, copy=False)
