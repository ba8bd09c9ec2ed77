"""InteractionLog and Catalogue to Samples."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Int32, Int64
from hm_pipeline.data.cut import Cut, cut_up
from hm_pipeline.data.gather import Gather
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.market import PURCHASE
from hm_pipeline.data.room import MEMORY_MB, room_for
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Attribute, Protocol, Samples
from hm_pipeline.data.shuffle import shuffled
from hm_pipeline.data.values import item_values
from hm_pipeline.data.vocabulary import Vocabulary

ATTRIBUTES = ("category", "colour")


def build(
    log: InteractionLog,
    catalogue: Catalogue,
    config: SampleConfig,
    protocol: Protocol,
    day: date | None = None,
    *,
    place: Path | None = None,
    memory_mb: int = MEMORY_MB,
) -> Samples:
    """The samples of a log under a protocol.

    `day` is the last day looked at, whatever the log holds; under `next_day` it is the target day T.
    Of a log that is larger than `memory_mb` a part of the users is worked on at a time; the others wait in
    `place`, where the flat array stays, as flat.npy. Without a place all is in memory. Neither changes the
    samples.
    Raises EmptyWindowError where nothing is left to learn from.
    """
    log = log.upto(day)
    with room_for(log, place, memory_mb) as room:
        cut = cut_up(log, config, protocol, day, room)
        items = _item_vocabulary(log.items, cut.counts)
        shared = room.flat if config.order == "correct" else None  # others have two, and only one is flat.npy
        gather = Gather(cut, items.encode(log.items), shared)
        attributes = {name: _attribute(catalogue, name, items) for name in ATTRIBUTES}
        outside = {name: _code(log.items, lookup) for name, (_, lookup) in attributes.items()}
        return Samples(
            market=log.market,
            protocol=protocol,
            first_day=str(log.first_day),
            last_day=str(cut.last_day),
            items=items,
            users=Vocabulary(cut.user_ids.gather(gather.trained)),
            train=_ordered(gather.train(), cut, config),
            counts=np.concatenate([[0], np.sort(cut.counts[cut.counts > 0])[::-1]]),
            sales=_sales(log, items, cut.last_day),
            attributes={name: attribute for name, (attribute, _) in attributes.items()},
            values=item_values(log, catalogue, items, cut.last_day, room.memory_mb),
            holdouts={name: gather.holdout(asked, outside) for name, asked in cut.questions.items()},
        )


def _ordered(train: Histories, cut: Cut, config: SampleConfig) -> Histories:
    """Training histories in the order that is asked for."""
    if config.order == "correct":
        return train
    return shuffled(train, cut.days, config.order, config.order_seed)


def _item_vocabulary(ids: pl.Series, counts: Int64) -> Vocabulary:
    """Training items by descending count, then id; `counts` (codes,) are those of the log's ids."""
    trained = pl.DataFrame({"id": ids, "n": counts}).filter(pl.col("n") > 0)
    return Vocabulary(trained.sort(["n", "id"], descending=[True, False])["id"])


def _sales(log: InteractionLog, items: Vocabulary, last_day: date) -> Int64 | None:
    """(V,) purchases up to the last day; None where nothing at all was bought."""
    bought = np.zeros(len(log.items), np.int64)
    for rows in log.pieces("item", "event", "day"):
        sold = rows.filter(pl.col("event").is_in(log.codes([PURCHASE])) & (pl.col("day") <= last_day))
        bought += np.bincount(sold["item"].to_numpy(), minlength=len(bought))
    sales = np.zeros(len(items), np.int64)
    sales[items.encode(log.items)] = bought
    sales[0] = 0
    return sales if bought.any() else None


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
