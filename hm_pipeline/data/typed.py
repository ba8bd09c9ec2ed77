"""A source's columns to ours, cell by cell; a column of the wrong kind has its named error."""

from pathlib import Path

import polars as pl

from hm_pipeline.data.contract import REPLACED
from hm_pipeline.data.market import InteractionColumns, MarketConfig
from hm_pipeline.data.read_text import BROKEN
from hm_pipeline.data.timestamps import instants
from hm_pipeline.errors import ColumnError


def typed_interactions(raw: pl.DataFrame, market: MarketConfig, file: Path) -> pl.DataFrame:
    """Row i of the result is row i of `raw` in our columns and types; cells that cannot be read are null."""
    columns = market.interactions
    stamps = instants(raw[columns.timestamp.column], columns.timestamp, file)
    order, unread_order = whole(raw, columns.order, file)
    price, unread_price = number(raw, columns.price, file)
    return pl.DataFrame(
        {
            "user_id": text(raw, columns.user_id, file),
            "item_id": text(raw, columns.item_id, file),
            "timestamp": stamps.utc,
            "event_type": _events(raw, columns, file),
            "order": order,
            "price": price,
            "event_id": text(raw, columns.event_id, file),
            "unread_order": unread_order,
            "unread_price": unread_price,
            "replaced": replaced(raw),
            BROKEN: raw[BROKEN],
        }
    ).with_columns(partition=pl.col("timestamp").dt.convert_time_zone(market.partitioned_by).dt.date())


def _events(raw: pl.DataFrame, columns: InteractionColumns, file: Path) -> pl.Series:
    if columns.event_type is None:
        return pl.repeat(columns.constant_event, len(raw), dtype=pl.String, eager=True)
    return text(raw, columns.event_type, file).replace(columns.events)


def text(raw: pl.DataFrame, column: str | None, file: Path) -> pl.Series:
    """Text, or whole numbers as text. A fraction is refused: 12.0 and 12 would be two ids."""
    if column is None:
        return pl.repeat(None, len(raw), dtype=pl.String, eager=True)
    kind = raw[column].dtype
    if kind.is_integer() or kind in (pl.String, pl.Null, pl.Categorical, pl.Enum):
        return raw[column].cast(pl.String)
    raise ColumnError(f"{file}: the column {column!r} holds {kind}; deliver it as text (or whole numbers)")


def number(raw: pl.DataFrame, column: str | None, file: Path) -> tuple[pl.Series, pl.Series]:
    """Numbers, null where there is none (NaN included), and where something stood that is no number."""
    values, unread = _cast(raw, column, file, pl.Float64())
    return values.fill_nan(None), unread


def whole(raw: pl.DataFrame, column: str | None, file: Path) -> tuple[pl.Series, pl.Series]:
    """Whole numbers, and where something stood that is none."""
    return _cast(raw, column, file, pl.Int64())


def _cast(
    raw: pl.DataFrame, column: str | None, file: Path, kind: pl.DataType
) -> tuple[pl.Series, pl.Series]:
    if column is None:
        return pl.repeat(None, len(raw), dtype=kind, eager=True), pl.repeat(False, len(raw), eager=True)
    source = raw[column]
    if not (source.dtype.is_numeric() or source.dtype in (pl.String, pl.Null)):
        raise ColumnError(f"{file}: the column {column!r} holds {source.dtype}; deliver it as numbers")
    if kind.is_integer() and source.dtype.is_float():
        raise ColumnError(f"{file}: the column {column!r} holds {source.dtype}; deliver it as whole numbers")
    if source.dtype == pl.String:
        stripped = source.str.strip_chars()
        source = pl.select(pl.when(stripped != "").then(stripped)).to_series()
    values = source.cast(kind, strict=False)
    return values, source.is_not_null() & values.is_null()


def replaced(raw: pl.DataFrame) -> pl.Series:
    """Whether bytes that are no UTF-8 stood anywhere in a row's columns."""
    texts = [name for name, kind in raw.schema.items() if kind == pl.String]
    return (
        raw.select(
            pl.any_horizontal(
                pl.lit(False), *(pl.col(name).str.contains(REPLACED, literal=True) for name in texts)
            )
            .fill_null(False)
            .alias("replaced")
        ).to_series()
        if texts and len(raw)
        else pl.repeat(False, len(raw), eager=True)
    )
