"""Raw files of one `date=` day to accepted rows, ids as labels, and quarantined ones.

Most rows are good, and most ids were seen before. So an id is judged once, cheap rules look at every row, and
only *doubtful* rows, those that may be no good, go through the contract word by word.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.contract import blank, id_rules, interaction_rules, reason, row_rules, unreadable
from hm_pipeline.data.days import start_of, window
from hm_pipeline.data.ids import NONE, Ids
from hm_pipeline.data.local_days import local_days
from hm_pipeline.data.market import PURCHASE, MarketConfig
from hm_pipeline.data.quarantine import belongs_to, quarantined
from hm_pipeline.data.read import chunks, named
from hm_pipeline.data.read_text import BROKEN, RAW
from hm_pipeline.data.timestamps import instants
from hm_pipeline.data.typed import number, replaced, text, typed_interactions, whole

ACCEPTED_SCHEMA = pl.Schema(
    [
        ("user", pl.UInt32),  # labels
        ("item", pl.UInt32),
        ("timestamp", pl.Datetime("us", "UTC")),
        ("day", pl.Date),
        ("event", pl.UInt8),
        ("order", pl.Int64),
        ("price", pl.Float64),
        ("event_id", pl.String),
        ("file", pl.UInt32),  # place in `files`
    ]
)
_DOUBTFUL = 1  # a verdict on an id


class Window:
    """What the partitions of a run share: the market's rules, labels, counts, quarantine."""

    def __init__(self, market: MarketConfig, run: date, erased: frozenset[str]) -> None:
        days = window(market, run)
        self.market, self.erased = market, erased
        self.first, self.last = days[0], days[-1]
        self.until = start_of(run, market.timezone)
        self.events = tuple(sorted({*market.interaction_events, PURCHASE}))
        self.users = Ids(lambda ids: self._doubtful("user_id", ids))
        self.items = Ids(lambda ids: self._doubtful("item_id", ids))
        self.kinds = Ids(self._event_codes)
        self.files: list[str] = []
        self.counts: Counter[str] = Counter()
        self.quarantine: list[pl.DataFrame] = []

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows (ACCEPTED_SCHEMA) with ids, event types and files as text."""
        return rows.select(
            user_id=self.users.names(rows["user"].to_numpy()),
            item_id=self.items.names(rows["item"].to_numpy()),
            event_type=pl.Series(self.events, dtype=pl.String).gather(rows["event"]),
            file=pl.Series(self.files, dtype=pl.String).gather(rows["file"]),
            timestamp="timestamp",
            order="order",
            price="price",
            event_id="event_id",
        )

    def _doubtful(self, column: str, ids: pl.Series) -> NDArray[np.uint8]:
        broken = pl.any_horizontal(unreadable(column), *id_rules(column, self.market).values())
        found = pl.DataFrame({column: ids}).select(broken.fill_null(True)).to_series()
        if column == "user_id" and self.erased:
            found |= ids.is_in(sorted(self.erased))
        return found.to_numpy().astype(np.uint8) * _DOUBTFUL

    def _event_codes(self, names: pl.Series) -> NDArray[np.uint8]:
        ours = self.market.interactions.events
        known = {event: code for code, event in enumerate(self.events)}
        return np.array([known.get(ours.get(name, name), NONE) for name in names], np.uint8)


class Partition:
    """One day's files, file by file."""

    def __init__(self, window: Window, day: date) -> None:
        self.window, self.day = window, day
        self.rules = interaction_rules(window.market, day, window.until)
        rules = row_rules(window.market, day, window.until).values()  # null: of a price that is not there
        self.cheap = pl.any_horizontal(*rules).fill_null(False)

    def read(self, files: Sequence[Path]) -> Iterator[pl.DataFrame]:
        """The accepted rows (ACCEPTED_SCHEMA) of the files, a part of a large file at a time."""
        for file in sorted(files):
            self.window.files.append(f"date={self.day}/{file.name}")
            with named(file):
                for raw in chunks(file, *_wanted(self.window.market), ids=_ids(self.window.market),
                                  separator=self.window.market.csv_separator):  # fmt: skip
                    yield from self._accepted(raw, file)

    def _accepted(self, raw: pl.DataFrame, file: Path) -> Iterator[pl.DataFrame]:
        rows, doubtful = self._labelled(raw, file)
        if doubtful.any():
            doubtful[doubtful] = ~self._are_good(raw.filter(pl.Series(doubtful)), file)
            rows = rows.filter(pl.Series(~doubtful))
        inside = pl.col("day").is_between(self.window.first, self.window.last)
        found = rows.filter(inside)
        self.window.counts["outside_window"] += len(rows) - len(found)
        yield found

    def _labelled(self, raw: pl.DataFrame, file: Path) -> tuple[pl.DataFrame, Bool]:
        """Every row of `raw` (ACCEPTED_SCHEMA), and which ones may be no good."""
        window, columns = self.window, self.window.market.interactions
        stamps = instants(raw[columns.timestamp.column], columns.timestamp, file)
        order, unread_order = whole(raw, columns.order, file)
        price, unread_price = number(raw, columns.price, file)
        users, of_users = window.users.labels(text(raw, columns.user_id, file))
        items, of_items = window.items.labels(text(raw, columns.item_id, file))
        events = self._events(raw, file)
        day = local_days(stamps.utc, window.market.timezone)
        same_zone = window.market.partitioned_by == window.market.timezone
        rows = pl.DataFrame(
            {
                "user": users,
                "item": items,
                "timestamp": stamps.utc,
                "day": day,
                "event": events,
                "order": order,
                "price": price,
                "event_id": text(raw, columns.event_id, file),
                "file": pl.repeat(len(window.files) - 1, len(raw), dtype=pl.UInt32, eager=True),
                "partition": day if same_zone else local_days(stamps.utc, window.market.partitioned_by),
                "unread_order": unread_order,
                "unread_price": unread_price,
            }
        )
        window.counts["rows"] += len(raw)
        window.counts["ambiguous_local_time"] += stamps.ambiguous
        window.counts["missing_local_time"] += stamps.shifted
        doubtful = (of_users > 0) | (of_items > 0) | (events == NONE) | self._texts_are_doubtful(raw)
        doubtful |= rows.select(self.cheap).to_series().to_numpy()
        return rows.select(ACCEPTED_SCHEMA.names()), doubtful

    def _events(self, raw: pl.DataFrame, file: Path) -> NDArray[np.uint8]:
        columns, kinds = self.window.market.interactions, self.window.kinds
        if columns.event_type is not None:
            return kinds.labels(text(raw, columns.event_type, file))[1]
        constant = pl.Series([columns.constant_event], dtype=pl.String)
        return np.repeat(kinds.labels(constant)[1], len(raw))

    def _texts_are_doubtful(self, raw: pl.DataFrame) -> Bool:
        """Lines that could not be taken apart, and bytes that are no UTF-8 outside ids and events."""
        columns = self.window.market.interactions
        judged = {columns.user_id, columns.item_id, columns.event_type, BROKEN, RAW}
        others = replaced(raw.select(pl.exclude(*(name for name in judged if name)), pl.col(BROKEN)))
        return (others | raw[BROKEN].is_not_null()).to_numpy().copy()

    def _are_good(self, raw: pl.DataFrame, file: Path) -> Bool:
        """Whether each doubtful row is good after all; the others are counted or quarantined."""
        window = self.window
        rows = typed_interactions(raw, window.market, file)
        erased, other = belongs_to(window.erased, rows["user_id"]), self._other_event(rows)
        window.counts["erased"] += int(erased.sum())
        window.counts["other_event"] += int((other & ~erased).sum())
        good = (~(erased | other)).to_numpy().copy()
        raw, rows = raw.filter(~(erased | other)), rows.filter(~(erased | other))
        reasons = rows.select(reason(self.rules)).to_series()
        window.quarantine.append(quarantined(raw, reasons, rows["user_id"], window.files[-1], window.erased))
        good[good] = reasons.is_null().to_numpy()
        return good

    def _other_event(self, rows: pl.DataFrame) -> pl.Series:
        """Events that are no business of ours, whatever their other fields hold (a home page has no item)."""
        asked = pl.col("event_type").is_in(self.window.events)
        return rows.select(
            (~asked & ~pl.col("replaced") & pl.col(BROKEN).is_null() & ~blank("event_type")).fill_null(False)
        ).to_series()


def _wanted(market: MarketConfig) -> tuple[list[str], list[str]]:
    """The source's columns: those each file must have, and those a jsonl line may leave out."""
    columns = market.interactions
    required = (columns.user_id, columns.item_id, columns.timestamp.column, columns.event_type)
    optional = (columns.order, columns.price, columns.event_id)
    return [name for name in required if name], [name for name in optional if name]


def _ids(market: MarketConfig) -> list[str]:
    columns = market.interactions
    return [name for name in (columns.user_id, columns.item_id, columns.event_id) if name]
