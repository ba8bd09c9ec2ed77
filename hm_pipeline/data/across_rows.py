"""What only many rows together show: the same row again, and a user who is no person."""

import polars as pl

from hm_pipeline.data.log import LOG_SCHEMA
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA

_SAME = ["user_id", "item_id", "timestamp", "event_type", "order", "price", "event_id"]
ACCEPTED_SCHEMA = pl.Schema([*LOG_SCHEMA.items(), ("event_id", pl.String()), ("file", pl.String())])


def without_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each row once, and the quarantined repeats; only rows of an equal hash are compared in full."""
    if rows.is_empty():
        return rows, _rejected(rows, "duplicate")
    alike = rows.select(pl.struct(_SAME).hash().is_duplicated()).to_series()
    suspects = rows.filter(alike).with_columns(again=pl.int_range(pl.len()).over(_SAME) > 0)
    first = suspects.filter(~pl.col("again")).drop("again")
    return pl.concat([rows.filter(~alike), first]), _rejected(suspects.filter("again"), "duplicate")


def without_bots(rows: pl.DataFrame, most: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of people, and the quarantined rows of users who did more in a local day than a person can."""
    by = ["user_id", "day"]
    busy = rows.group_by(by).len().filter(pl.col("len") > most).select(by)
    if busy.is_empty():
        return rows, pl.DataFrame(schema=QUARANTINE_SCHEMA)
    return rows.join(busy, on=by, how="anti"), _rejected(rows.join(busy, on=by, how="semi"), "bot")


def _rejected(rows: pl.DataFrame, why: str) -> pl.DataFrame:
    content = pl.struct(pl.col(name).cast(pl.String) for name in _SAME).struct.json_encode()
    shown = rows.select(reason=pl.lit(why), file="file", user_id="user_id", row=content)
    return shown.cast(QUARANTINE_SCHEMA)
