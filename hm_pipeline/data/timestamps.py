"""What a source writes as an instant, to UTC; daylight-saving nights by one fixed rule.

    night in spring    02:30 does not exist: read with the offset before the change (it is 03:30 summer time)
    night in autumn    02:30 is there twice: the first of the two

Both are counted, neither is rejected. Only stamps without an offset are touched by it.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from hm_pipeline.data.market import TimestampConfig
from hm_pipeline.errors import ColumnError

_UTC = pl.Datetime("us", "UTC")
_NAIVE = pl.Datetime("us")
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_ONE, _YEAR_10000 = -62_135_596_800, 253_402_300_800  # in seconds; beyond it nothing can be computed
_OVER_A_GAP = timedelta(hours=3)  # longer than any gap of a clock, shorter than the time between two
_OFFSET = r"[+-]\d\d:?(\d\d)?$"
_ISO = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True, eq=False)
class Instants:
    """(N,) instants, null where a stamp does not parse, and how many fell into a daylight-saving night."""

    utc: pl.Series
    ambiguous: int = 0
    shifted: int = 0


def instants(stamps: pl.Series, config: TimestampConfig, file: Path) -> Instants:
    """Read a column of stamps. Raises ColumnError for a type that cannot be one."""
    match stamps.dtype:
        case pl.Datetime(time_zone=zone) if zone is not None:
            return Instants(_possible(stamps.cast(pl.Datetime("us", zone)).cast(pl.Int64), "us"))
        case pl.Datetime() | pl.Date():
            return _local(_computable(stamps.cast(_NAIVE)), config.zone)
        case pl.String() | pl.Categorical() | pl.Enum():
            return _text(stamps.cast(pl.String), config)
        case pl.Null():
            return Instants(stamps.cast(_UTC))
        case whole if whole.is_integer() and config.epoch:
            return Instants(_possible(stamps.cast(pl.Int64, strict=False), config.epoch))
    hint = (
        "set timestamp.epoch to its unit" if stamps.dtype.is_integer() else "deliver a date-time or ISO text"
    )
    raise ColumnError(f"{file}: the column {stamps.name!r} holds {stamps.dtype}, no timestamp; {hint}")


def _text(stamps: pl.Series, config: TimestampConfig) -> Instants:
    text = stamps.str.strip_chars()
    if config.epoch:
        return Instants(_possible(text.cast(pl.Int64, strict=False), config.epoch))
    if config.format is None:
        return _iso(text, config.zone)
    parsed = text.str.to_datetime(config.format, time_unit="us", strict=False)
    zoned = isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone is not None
    return Instants(parsed.cast(_UTC)) if zoned else _local(_computable(parsed), config.zone)


def _iso(text: pl.Series, zone: str) -> Instants:
    """ISO 8601, with or without an offset, row by row."""
    plain = text.str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "$1 ").str.replace(r"\s*([Zz]|UTC)$", "+00:00")
    timed = plain.str.slice(10).str.contains(_OFFSET)  # a bare date ends like an offset: -01
    frame = pl.DataFrame({"text": plain, "zoned": timed})
    parsed = frame.select(
        zoned=pl.coalesce(
            pl.when("zoned").then("text").str.to_datetime(form, time_unit="us", strict=False)
            for form in ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
        ),
        naive=pl.coalesce(
            pl.when(~pl.col("zoned")).then("text").str.to_datetime(form, time_unit="us", strict=False)
            for form in _ISO
        ),
    )
    local = _local(_computable(parsed["naive"]), zone)
    utc = parsed["zoned"].cast(_UTC).zip_with(timed.fill_null(False), local.utc)
    return Instants(utc, local.ambiguous, local.shifted)


def _possible(count: pl.Series, unit: str) -> pl.Series:
    """Whole numbers since 1970 as instants; null beyond the years 1 to 9999."""
    scale = _A_SECOND[unit]
    inside = count.is_between(max(_YEAR_ONE * scale, -(2**63)), min(_YEAR_10000 * scale, 2**63) - 1)
    kept = pl.select(pl.when(inside).then(count)).to_series()
    micros = kept * (10**6 // scale) if scale <= 10**6 else kept // (scale // 10**6)
    return micros.cast(_UTC)


def _computable(naive: pl.Series) -> pl.Series:
    return _possible(naive.cast(pl.Int64), "us").dt.replace_time_zone(None)


def _local(naive: pl.Series, zone: str) -> Instants:
    if zone == "UTC":
        return Instants(naive.dt.replace_time_zone("UTC"))
    first = _in_zone(naive, zone, "earliest")
    second = _in_zone(naive, zone, "latest")
    before_gap = _in_zone(naive - _OVER_A_GAP, zone, "earliest") + _OVER_A_GAP
    missing = first.is_null() & naive.is_not_null()
    return Instants(first.zip_with(~missing, before_gap), int((first != second).sum()), int(missing.sum()))


def _in_zone(naive: pl.Series, zone: str, ambiguous: str) -> pl.Series:
    zoned = naive.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    return zoned.dt.convert_time_zone("UTC")
