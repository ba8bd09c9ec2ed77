"""Orders of integer columns by one packed 64-bit key: several times faster than by two columns."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hm_pipeline.data.arrays import Bool, Int64

_BITS = 63


def by_two(first: NDArray[np.integer], second: NDArray[np.integer]) -> Int64:
    """(N,) an order by `first`, then `second`; equal rows in no certain order."""
    if not len(first):
        return np.empty(0, np.int64)
    low = second.astype(np.int64) - int(second.min())
    bits = int(low.max()).bit_length()
    high = first.astype(np.int64) - int(first.min())
    if int(high.max()).bit_length() + bits > _BITS:
        return np.lexsort((low, high)).astype(np.int64)
    return np.argsort((high << bits) | low)


def stably(key: NDArray[np.integer]) -> Int64:
    """(N,) the stable order by `key`, which holds no negative number."""
    bits = max(len(key) - 1, 1).bit_length()
    rows = np.arange(len(key), dtype=np.int64)
    if len(key) and int(key.max()).bit_length() + bits > _BITS:
        return np.argsort(key, kind="stable")
    packed = np.sort((key.astype(np.int64) << bits) | rows)
    return packed & ((1 << bits) - 1)


def in_runs(same: Bool) -> Bool:
    """(N,) whether a row is alike to a neighbour; `same` (N - 1,) says it of each row and the next."""
    runs = np.zeros(len(same) + 1, np.bool_)
    runs[1:] = same
    runs[:-1] |= same
    return runs


def taken_at(frame: pl.DataFrame, places: Int64) -> pl.DataFrame:
    """The rows at these places, column by column: numpy's way with columns without nulls is the fastest."""
    return pl.DataFrame([_taken_at(column, places) for column in frame])


def _taken_at(column: pl.Series, places: Int64) -> pl.Series:
    if column.null_count() or column.dtype == pl.String:
        return column.gather(places)
    values = column.to_physical().to_numpy()[places]
    return pl.Series(column.name, values).cast(column.dtype)
