"""What is known of items as numbers, over a vocabulary: what the lists' profiles are made of.

V items; NaN where nothing is known, and at index 0, which is no item.
"""

from datetime import date

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Float64
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.median_prices import median_prices
from hm_pipeline.data.room import MEMORY_MB
from hm_pipeline.data.vocabulary import Vocabulary


def item_values(
    log: InteractionLog,
    catalogue: Catalogue,
    items: Vocabulary,
    last_day: date,
    memory_mb: int = MEMORY_MB,
) -> dict[str, Float64]:
    """`price` (the market's currency) and `age` (days), each (V,), where any item has one.

    The price is the median of what was logged up to `last_day`, else the catalogue's. The age is counted from
    the day of launch to `last_day`, and only where a launch by then is on record: a first click says nothing
    of it, and a day to come (9999-12-31) least of all.
    """
    medians = median_prices(log, last_day, memory_mb)
    paid = medians.select(item_id=log.items.gather(medians["item"]), value="median")
    listed = catalogue.articles.select("item_id", value="price")
    past = catalogue.articles.filter(pl.col("launched") <= last_day)
    launched = past.select("item_id", value=pl.lit(last_day) - pl.col("launched")).with_columns(
        pl.col("value").dt.total_days().cast(pl.Float64)
    )
    price = _over(items, paid)
    found = {"price": np.where(np.isnan(price), _over(items, listed), price), "age": _over(items, launched)}
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def _over(items: Vocabulary, known: pl.DataFrame) -> Float64:
    values = np.full(len(items), np.nan)
    there = known.drop_nulls()
    values[items.encode(there["item_id"])] = there["value"].to_numpy()
    values[0] = np.nan
    return values
