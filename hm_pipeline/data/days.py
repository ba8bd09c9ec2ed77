"""Local days and the instants where they begin: a day has 23, 24 or 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hm_pipeline.data.market import MarketConfig

_INSTANT = timedelta(microseconds=1)


def window(market: MarketConfig, day: date) -> tuple[date, ...]:
    """The `window_days` local days that end with the day before `day`, oldest first."""
    return tuple(day - timedelta(days=back) for back in range(market.window_days, 0, -1))


def start_of(day: date, zone: str) -> datetime:
    """The UTC instant at which a local day begins; where midnight does not exist, the first that does."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def partitions_of(market: MarketConfig, first: date, last: date) -> tuple[date, ...]:
    """The `date=` days that hold the local days first..last: a neighbour more where the zones differ."""
    zone = ZoneInfo(market.partitioned_by)
    earliest = start_of(first, market.timezone).astimezone(zone).date()
    latest = (start_of(last + timedelta(days=1), market.timezone) - _INSTANT).astimezone(zone).date()
    return tuple(earliest + timedelta(days=n) for n in range((latest - earliest).days + 1))
