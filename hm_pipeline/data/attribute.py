"""An attribute of an article or user, cell by cell: what cannot be read is null and counted."""

from pathlib import Path

import polars as pl

from hm_pipeline.data.typed import number
from hm_pipeline.errors import ColumnError


def attribute(
    raw: pl.DataFrame, column: str | None, file: Path, kind: pl.DataType, most: float
) -> tuple[pl.Series, pl.Series]:
    """An attribute in its type, null where it cannot be read, and where that was so; amounts up to `most`."""
    if column is None:
        return pl.repeat(None, len(raw), dtype=kind, eager=True), pl.repeat(False, len(raw), eager=True)
    if kind == pl.Float64:
        return _amount(raw, column, file, most)
    source = raw[column]
    if source.dtype.is_nested() or source.dtype == pl.Binary:
        raise ColumnError(f"{file}: the column {column!r} holds {source.dtype}; deliver it as {kind}")
    written = _written(source)
    values = _read_as(written, kind)
    return values, written.is_not_null() & values.is_null()


def _amount(raw: pl.DataFrame, column: str, file: Path, most: float) -> tuple[pl.Series, pl.Series]:
    values, unread = number(raw, column, file)
    wrong = ((values < 0) | (values > most)).fill_null(False)
    return pl.select(pl.when(~wrong).then(values)).to_series(), unread | wrong


def _written(source: pl.Series) -> pl.Series:
    """Any column as text, 24.0 as 24, blank as null."""
    if source.dtype.is_float():
        source = source.fill_nan(None)
        integral = bool((source.drop_nulls() == source.drop_nulls().round()).all())
        source = source.cast(pl.Int64, strict=False) if integral else source
    stripped = source.cast(pl.String).str.strip_chars()
    return pl.select(pl.when(stripped != "").then(stripped)).to_series()


_TRUE, _FALSE = ("true", "yes", "1", "y", "t"), ("false", "no", "0", "n", "f")


def _read_as(written: pl.Series, kind: pl.DataType) -> pl.Series:
    if kind == pl.Date:
        return written.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if kind == pl.Boolean:
        answer = written.str.to_lowercase()
        known = pl.when(answer.is_in(_TRUE)).then(True).when(answer.is_in(_FALSE)).then(False)
        return pl.select(known).to_series()
    return written
