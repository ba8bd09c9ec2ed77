"""The cleaned contents of a window, and the catalogue beside it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from hm_pipeline.data import pieces
from hm_pipeline.data.ahead import ahead
from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.pieces import PIECE_SCHEMA, SORTED_BY, Piece
from hm_pipeline.data.vocabulary import Vocabulary

LOG_SCHEMA = pl.Schema(
    [
        ("user_id", pl.String),
        ("item_id", pl.String),
        ("timestamp", pl.Datetime("us", "UTC")),
        ("day", pl.Date),  # the local day in the market's zone
        ("event_type", pl.String),
        ("order", pl.Int64),  # ties of the timestamp; null where the market has no order column
        ("price", pl.Float64),  # null where unknown
    ]
)
ARTICLE_SCHEMA = pl.Schema(
    {
        "item_id": pl.String,
        "name": pl.String,
        "category": pl.String,
        "colour": pl.String,
        "price": pl.Float64,
        "launched": pl.Date,
        "available": pl.Boolean,
    }
)
NAMED_ROWS = "interactions.parquet"  # all that logs of earlier releases have
USER_SCHEMA = pl.Schema({"user_id": pl.String, "age": pl.String, "region": pl.String})


@dataclass(frozen=True, eq=False)
class InteractionLog:
    """Accepted interactions of the local days first_day..last_day, by codes of users and items.

    `pieces` hands out the rows (PIECE_SCHEMA) in bounded memory; `frame` is all of them with names.
    """

    market: str
    first_day: date
    last_day: date
    users: pl.Series  # (codes,) the id of each code; null where it was erased
    items: pl.Series
    events: tuple[str, ...]
    stored: tuple[Piece, ...]
    until: date | None = None  # days after it are not looked at

    @classmethod
    def of(cls, market: str, first_day: date, last_day: date, frame: pl.DataFrame) -> Self:
        """The log of named rows (LOG_SCHEMA) in whatever order."""
        assert frame.schema == LOG_SCHEMA, frame.schema
        users, items, events = (frame[name].unique().sort() for name in ("user_id", "item_id", "event_type"))
        rows = frame.with_columns(
            user=_coded(frame["user_id"], users, pl.UInt32()),
            item=_coded(frame["item_id"], items, pl.UInt32()),
            event=_coded(frame["event_type"], events, pl.UInt8()),
        ).select(PIECE_SCHEMA.names())
        rows = rows.sort(*SORTED_BY, "item", "event", "price", nulls_last=True)
        return cls(market, first_day, last_day, users, items, tuple(events), (rows,))

    def __len__(self) -> int:
        """Rows."""
        return self.size if self.until is None else sum(self.by_day().values())

    @property
    def size(self) -> int:
        """Rows that are stored, also of days that are not looked at."""
        return sum(map(pieces.rows, self.stored))

    def upto(self, day: date | None) -> Self:
        """The same log without the days after `day`."""
        days = [d for d in (day, self.until) if d is not None]
        return replace(self, until=min(days, default=None))

    def pieces(self, *columns: str) -> Iterator[pl.DataFrame]:
        """These columns of the rows, piece by piece: each sorted by SORTED_BY, each user's in time order."""
        yield from ahead(self._read(piece, columns) for piece in self.stored)

    def _read(self, piece: Piece, columns: tuple[str, ...]) -> pl.DataFrame:
        if self.until is None:
            return pieces.read(piece, columns)
        rows = pieces.read(piece, [*dict.fromkeys([*columns, "day"])])
        inside = rows["day"] <= self.until
        return (rows if inside.all() else rows.filter(inside)).select(columns)

    def codes(self, events: Iterable[str]) -> list[int]:
        """The codes of those of the events that occur."""
        return [self.events.index(event) for event in events if event in self.events]

    def by_day(self) -> dict[date, int]:
        """Rows of each day that has any."""
        days = [rows["day"].value_counts() for rows in self.pieces("day")]
        return dict(pl.concat(days).group_by("day").sum().iter_rows()) if days else {}

    @property
    def frame(self) -> pl.DataFrame:
        """All rows with names (LOG_SCHEMA), sorted by all columns: for small logs."""
        rows = [self.named(rows) for rows in self.pieces(*PIECE_SCHEMA)]
        return pl.concat([LOG_SCHEMA.to_frame(), *rows]).sort(LOG_SCHEMA.names())

    def of_user(self, user_id: str) -> pl.DataFrame:
        """A user's rows with names (LOG_SCHEMA)."""
        code = self.users.index_of(user_id)
        rows = (rows.filter(pl.col("user") == code) for rows in self.pieces(*PIECE_SCHEMA))
        return LOG_SCHEMA.to_frame() if code is None else pl.concat([self.named(found) for found in rows])

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of a piece with names (LOG_SCHEMA)."""
        events = pl.Series(self.events, dtype=pl.String)
        return rows.select(
            user_id=self.users.gather(rows["user"]),
            item_id=self.items.gather(rows["item"]),
            timestamp="timestamp",
            day="day",
            event_type=events.gather(rows["event"]),
            order="order",
            price="price",
        )

    def save(self, folder: Path) -> None:
        """users.parquet, items.parquet, the pieces and log.json."""
        assert self.until is None, "a part of a log is not stored"
        folder.mkdir(parents=True, exist_ok=True)
        for number, piece in enumerate(self.stored):
            pieces.moved(piece, folder, number)
        for name, ids in (("users", self.users), ("items", self.items)):
            pl.DataFrame({"id": ids}).write_parquet(folder / f"{name}.parquet")
        head = {
            "market": self.market,
            "first_day": str(self.first_day),
            "last_day": str(self.last_day),
            "events": self.events,
            "pieces": len(self.stored),
        }
        (folder / "log.json").write_text(json.dumps(head))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; the rows stay on disk until they are asked for."""
        head = json.loads((folder / "log.json").read_text())
        first, last = (date.fromisoformat(head[name]) for name in ("first_day", "last_day"))
        window = head["market"], first, last
        if (folder / NAMED_ROWS).exists():
            return cls.of(*window, pl.read_parquet(folder / NAMED_ROWS))
        users, items = (pl.read_parquet(folder / f"{name}.parquet")["id"] for name in ("users", "items"))
        files = (folder / pieces.file_name(number) for number in range(head["pieces"]))
        return cls(*window, users, items, tuple(head["events"]), tuple(files))


def _coded(values: pl.Series, sorted_: pl.Series, kind: pl.DataType) -> pl.Series:
    return values.replace_strict(sorted_, pl.Series(range(len(sorted_)), dtype=kind), return_dtype=kind)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What is known of articles (ARTICLE_SCHEMA) and users (USER_SCHEMA): any attribute may be null."""

    articles: pl.DataFrame
    users: pl.DataFrame

    def __post_init__(self) -> None:
        """Hold the contract."""
        assert self.articles.schema == ARTICLE_SCHEMA, self.articles.schema
        assert self.users.schema == USER_SCHEMA, self.users.schema

    @classmethod
    def empty(cls) -> Self:
        """Nothing is known."""
        return cls(ARTICLE_SCHEMA.to_frame(), USER_SCHEMA.to_frame())

    def buyable(self, items: Vocabulary) -> Bool:
        """(V,) False for items that can no longer be bought; who says nothing of it can."""
        gone = self.articles.filter(~pl.col("available").fill_null(True))["item_id"]
        buyable = np.ones(len(items), dtype=np.bool_)
        buyable[items.encode(gone)] = False
        return buyable

    def save(self, folder: Path) -> None:
        """articles.parquet and users.parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        self.articles.write_parquet(folder / "articles.parquet")
        self.users.write_parquet(folder / "users.parquet")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls(pl.read_parquet(folder / "articles.parquet"), pl.read_parquet(folder / "users.parquet"))
