"""Each item's median price, of prices counted piece by piece: an item has few, however many its rows."""

from datetime import date

import polars as pl

from hm_pipeline.data.log import InteractionLog

_BYTES = 64  # a counted price takes while it is merged, about


def median_prices(log: InteractionLog, last_day: date, memory_mb: int) -> pl.DataFrame:
    """(item, median): of what was logged up to `last_day`; an item without a price is left out."""
    return _medians(log, last_day, memory_mb * 2**20 // _BYTES, 0, len(log.items))


def _medians(log: InteractionLog, last_day: date, most: int, first: int, end: int) -> pl.DataFrame:
    """Of the items from `first` up to, and without, `end`: halved where they have too many prices at once."""
    counted: list[pl.DataFrame] = [_counts(pl.DataFrame(schema=_PRICES))]
    for rows in log.pieces("item", "price", "day"):
        inside = pl.col("item").is_between(first, end, closed="left") & (pl.col("day") <= last_day)
        counted.append(_counts(rows.filter(inside & pl.col("price").is_not_null())))
        if sum(map(len, counted)) > most:
            counted = [_merged(counted)]
            if len(counted[0]) > most and end - first > 1:
                half = (first + end) // 2
                return pl.concat(
                    _medians(log, last_day, most, *part) for part in ((first, half), (half, end))
                )
    return _middle(_merged(counted))


_PRICES = {"item": pl.UInt32, "price": pl.Float64}


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("item", "price").agg(n=pl.len().cast(pl.Int64))


def _merged(counted: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counted).group_by("item", "price").agg(pl.col("n").sum())


def _middle(counted: pl.DataFrame) -> pl.DataFrame:
    """Of an even number half way between the two in the middle."""
    upto, total = pl.col("n").cum_sum().over("item"), pl.col("n").sum().over("item")
    ranked = counted.sort("item", "price").with_columns(upto=upto, total=total)
    middle = ranked.group_by("item", maintain_order=True).agg(
        low=pl.col("price").filter(pl.col("upto") > (pl.col("total") - 1) // 2).first(),
        high=pl.col("price").filter(pl.col("upto") > pl.col("total") // 2).first(),
    )
    return middle.select("item", median=0.5 * (pl.col("high") - pl.col("low")) + pl.col("low"))
