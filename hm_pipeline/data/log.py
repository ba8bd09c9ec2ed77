"""The cleaned contents of a window, and the catalogue beside it."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool
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
USER_SCHEMA = pl.Schema({"user_id": pl.String, "age": pl.String, "region": pl.String})


@dataclass(frozen=True, eq=False)
class InteractionLog:
    """Accepted interactions of the local days first_day..last_day (LOG_SCHEMA), in no particular order."""

    market: str
    first_day: date
    last_day: date
    frame: pl.DataFrame

    def __post_init__(self) -> None:
        """Hold the contract."""
        assert self.frame.schema == LOG_SCHEMA, self.frame.schema

    def save(self, folder: Path) -> None:
        """interactions.parquet and log.json."""
        folder.mkdir(parents=True, exist_ok=True)
        self.frame.write_parquet(folder / "interactions.parquet")
        window = {"market": self.market, "first_day": str(self.first_day), "last_day": str(self.last_day)}
        (folder / "log.json").write_text(json.dumps(window))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        window = json.loads((folder / "log.json").read_text())
        return cls(
            window["market"],
            date.fromisoformat(window["first_day"]),
            date.fromisoformat(window["last_day"]),
            pl.read_parquet(folder / "interactions.parquet"),
        )


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
