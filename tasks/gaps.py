"""Which run dates of a market are there, and which could be made."""

from collections.abc import Iterator
from datetime import date, timedelta

from hm_pipeline.config import RunConfig
from hm_pipeline.errors import ContractError
from tasks import ledger
from tasks.extract import inputs
from tasks.settings import settings


def days_between(first: date, last: date) -> Iterator[date]:
    """Both included, oldest first."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def is_there(market: str, day: date) -> bool:
    """Whether the night of that day came to its end: its report is whole, whatever code wrote it."""
    found = settings().storage.keys(f"{market}/{day}/report")
    return any(entry.key.endswith("/manifest.json") for entry in found)


def missing(market: str, first: date, last: date) -> list[date]:
    """The run dates from `first` to `last` whose night did not come to its end, oldest first."""
    return [day for day in days_between(first, last) if not is_there(market, day)]


def holes(config: RunConfig, last: date, days: int) -> list[date]:
    """The missing run dates among the last `days` up to `last` that can be made, oldest first.

    A hole has a decided day before it: what lies before a market's first night was never there. One whose
    raw data did not arrive stays a hole until it does.
    """
    market = config.market.name
    begun = min(ledger.current(market).decisions, default=last)
    first = max(begun, last - timedelta(days=days - 1))
    return [day for day in missing(market, first, last) if arrived(config, day)]


def arrived(config: RunConfig, day: date) -> bool:
    """Whether a night of `day` finds the raw data that it needs."""
    try:
        inputs(config.market, day)
    except ContractError:
        return False
    return True
