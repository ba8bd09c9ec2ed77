"""The local day of many instants: one look at the clock a minute, not one a row."""

from datetime import timedelta

import numpy as np
import polars as pl

_MINUTE = 60 * 10**6  # microseconds
_MOST = 4_000_000  # minutes that are looked at one by one: seven years


def local_days(instants: pl.Series, zone: str) -> pl.Series:
    """(N,) dates of instants (microseconds, UTC) in a zone; null where there is no instant."""
    if instants.null_count() or instants.is_empty():
        return _converted(instants, zone)
    micros = instants.to_physical().to_numpy()
    first, last = int(micros.min()) // _MINUTE, int(micros.max()) // _MINUTE
    if last - first >= min(_MOST, len(micros)):
        return _converted(instants, zone)
    starts = pl.Series(np.arange(first, last + 1) * _MINUTE).cast(pl.Datetime("us", "UTC"))
    days = _converted(starts, zone)
    if not days.equals(_converted(starts + timedelta(microseconds=_MINUTE - 1), zone)):
        return _converted(instants, zone)  # a midnight inside a minute: clocks of long ago
    table = days.to_physical().to_numpy()
    return pl.Series(instants.name, table[micros // _MINUTE - first]).cast(pl.Date)


def _converted(instants: pl.Series, zone: str) -> pl.Series:
    return instants.dt.convert_time_zone(zone).dt.date()
