"""What one row must be: rules as named expressions; the first that a row breaks is its reason.

A rule reads the typed columns (`typed.py`): user_id, item_id, timestamp, event_type, order, price, the
flags unread_order and unread_price, and `partition`, the day of the stamp in the partitions' zone.
"""

from datetime import date, datetime

import polars as pl

from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.read_text import BROKEN

REPLACED = "\N{REPLACEMENT CHARACTER}"  # stands where bytes were no UTF-8
_CONTROL = r"[\x00-\x1f\x7f]"


def reason(rules: dict[str, pl.Expr]) -> pl.Expr:
    """The name of the first rule a row breaks; null for a good row."""
    first = [pl.when(broken).then(pl.lit(name)) for name, broken in rules.items()]
    return pl.coalesce(pl.col(BROKEN), *first).alias("reason")


def interaction_rules(market: MarketConfig, partition: date, until: datetime) -> dict[str, pl.Expr]:
    """Reason -> whether a row breaks it; `until` is the instant at which the run's day begins."""
    return {
        "not_utf8": pl.col("replaced"),
        **id_rules("user_id", market),
        **id_rules("item_id", market),
        "no_event_type": blank("event_type"),
        **row_rules(market, partition, until),
    }


def row_rules(market: MarketConfig, partition: date, until: datetime) -> dict[str, pl.Expr]:
    """Those of them that read no text: cheap enough to be asked of every row."""
    elsewhere = pl.col("partition") != partition
    return {
        "bad_timestamp": pl.col("timestamp").is_null(),
        "in_the_future": elsewhere & (pl.col("timestamp") >= until),
        "outside_its_day": elsewhere,
        "bad_order": pl.col("unread_order"),
        "bad_price": pl.col("unread_price"),
        "negative_price": pl.col("price") < 0,
        "absurd_price": pl.col("price") > market.contract.max_price,
    }


def id_rules(column: str, market: MarketConfig) -> dict[str, pl.Expr]:
    """The rules of an id."""
    placeholders = [name.lower() for name in market.contract.placeholder_ids]
    placeholder = pl.col(column).str.to_lowercase().is_in(placeholders)
    return {
        f"no_{column}": blank(column) | placeholder,
        f"long_{column}": pl.col(column).str.len_chars() > market.contract.max_id_length,
        f"control_character_in_{column}": pl.col(column).str.contains(_CONTROL),
    }


def blank(column: str) -> pl.Expr:
    """Null, empty, or white space alone."""
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def unreadable(column: str) -> pl.Expr:
    """Whether bytes that are no UTF-8 stood in a text."""
    return pl.col(column).str.contains(REPLACED, literal=True)
