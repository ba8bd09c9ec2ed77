"""A table read as its market's TOML maps it: what is missing is named with the key to change."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.rows import rows
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.raw import Room
from hm_pipeline.data.read import require_columns
from hm_pipeline.errors import ColumnError


def mapped_rows(room: Room, file: Path, market: MarketConfig) -> Iterator[pl.DataFrame]:
    """The frames of `rows`, in each every column that the market names.

    Raises UnreadableFileError, or ColumnError with the columns there are and the key of the TOML.
    """
    asked = columns_of(room, market)
    ids = [column for key, column in asked.items() if key.endswith("_id")]
    for frame in rows(file, [*asked.values()], ids, market.csv_separator):
        _require(asked, frame.columns, file, market)
        yield frame


def columns_of(room: Room, market: MarketConfig) -> dict[str, str]:
    """Key of the market's TOML -> the source's column."""
    match room:
        case "web_interactions":
            own = market.interactions.model_dump(exclude={"timestamp", "constant_event", "events"})
            own["timestamp.column"] = market.interactions.timestamp.column
            return _by_key("interactions", own)
        case "articles":
            return _by_key("articles", market.articles.model_dump())
        case "users":
            return _by_key("users", market.users.model_dump())


def _by_key(part: str, fields: Mapping[str, str | None]) -> dict[str, str]:
    return {f"market.{part}.{field}": column for field, column in fields.items() if column}


def _require(asked: Mapping[str, str], found: Iterable[str], file: Path, market: MarketConfig) -> None:
    there = [name for name in found if not name.startswith("\x00")]
    for key, column in asked.items():
        with to_change(key, market):
            require_columns(file, [column], there)


@contextmanager
def to_change(key: str, market: MarketConfig) -> Iterator[None]:
    """A ColumnError goes on with the key of the TOML that maps the column."""
    try:
        yield
    except ColumnError as error:
        raise ColumnError(f"{error}: {key} in markets/{market.name}.toml") from None
