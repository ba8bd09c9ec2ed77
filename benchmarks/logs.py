"""The public logs of the benchmark as the library's own values; they lie beside the repository, not in it.

../shared/data/{log}/interactions.parquet   user_id, item_id, timestamp, event_type, an order column
../shared/data/{log}/items.parquet          item_id, and category and colour where they are known
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from hm_pipeline.data.log import ARTICLE_SCHEMA, LOG_SCHEMA, USER_SCHEMA, Catalogue, InteractionLog

ENVIRONMENT = "HM_BENCHMARK_DATA"
NO_TIME = date(2014, 1, 1)  # the one stamp of a log that has only an order


@dataclass(frozen=True)
class Source:
    """What a log calls its columns."""

    name: str
    event: str  # the event type that makes a history
    order: str  # the column that orders a user's rows
    category: str | None = None
    colour: str | None = None


ESHOP = Source("eshop_clothing_2008", "click", "click_order", category="category", colour="colour")
YOOCHOOSE = Source("yoochoose_5days", "click", "position", category="category_id")
BEAUTY = Source("amazon_beauty_seq", "review", "position")


def data_root(given: Path | None = None) -> Path:
    """Where the logs lie: as asked, else HM_BENCHMARK_DATA, else ../shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return given or Path(os.environ.get(ENVIRONMENT) or beside)


def why_not(source: Source, root: Path) -> str:
    """The reason why a log cannot be read, or nothing."""
    file = root / source.name / "interactions.parquet"
    if file.is_file():
        return ""
    return f"{file} is not there; name the folder that holds it with --data or {ENVIRONMENT}"


def load(source: Source, root: Path) -> tuple[InteractionLog, Catalogue]:
    """The log, each row of it a view, and what is known of its items."""
    rows = pl.read_parquet(root / source.name / "interactions.parquet")
    stamp = pl.col("timestamp").cast(pl.Datetime("us")).fill_null(pl.lit(NO_TIME).cast(pl.Datetime("us")))
    frame = rows.filter(pl.col("event_type") == source.event).select(
        "user_id",
        "item_id",
        timestamp=stamp.dt.replace_time_zone("UTC"),
        day=stamp.dt.date(),
        event_type=pl.lit("view"),
        order=pl.col(source.order).cast(pl.Int64),
        price=pl.col("price") if "price" in rows.columns else pl.lit(None, pl.Float64),
    )
    frame = frame.cast(LOG_SCHEMA).select(LOG_SCHEMA.names())
    first, last = frame.select(first=pl.col("day").min(), last=pl.col("day").max()).row(0)
    return InteractionLog.of(source.name, first, last, frame), _catalogue(source, root)


def _catalogue(source: Source, root: Path) -> Catalogue:
    file = root / source.name / "items.parquet"
    if not file.is_file():
        return Catalogue.empty()
    known = pl.read_parquet(file).select(
        pl.col("item_id").cast(pl.String),
        category=_text(source.category),
        colour=_text(source.colour),
    )
    missing = {name: pl.lit(None, kind).alias(name) for name, kind in ARTICLE_SCHEMA.items()}
    columns = [pl.col(name) if name in known.columns else missing[name] for name in ARTICLE_SCHEMA.names()]
    return Catalogue(known.select(columns), USER_SCHEMA.to_frame())


def _text(column: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if column is None else pl.col(column).cast(pl.String)
