"""Which run dates of a market are there, and which could be made."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from hm_pipeline.config import RunConfig
from hm_pipeline.data.raw import expired
from hm_pipeline.errors import ConfigError
from tasks import ledger
from tasks.extract import LATE, inputs_of
from tasks.report import find_outcome


def days_between(first: date, last: date) -> Iterator[date]:
    """Both included, oldest first."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def is_there(market: str, day: date) -> bool:
    """Whether the night of that day came to its end: the report of its decision is whole, under any code."""
    return day not in missing(market, day, day)


def missing(market: str, first: date, last: date) -> list[date]:
    """The run dates from `first` to `last` whose night did not come to its end, oldest first."""
    decisions = ledger.current(market).decisions
    return [
        day
        for day in days_between(first, last)
        if day not in decisions or find_outcome(decisions[day], market) is None
    ]


def require_kept(config: RunConfig, days: Iterable[date]) -> None:
    """ConfigError for days so old that the next run of the market would delete what they make."""
    days = list(days)
    newest = ledger.current(config.market.name).newest
    gone = expired(days, config.market, max([*days, *([newest] if newest else [])]))
    if gone:
        raise ConfigError(
            f"market {config.market.name}: {len(gone)} of these days, {gone[0]} to {gone[-1]}, are more than "
            f"retention_days = {config.market.retention_days} before the newest: the next run would delete "
            "what they make"
        )


def holes(config: RunConfig, last: date, days: int) -> list[date]:
    """The missing run dates among the last `days` up to `last` that can be made, oldest first.

    A hole has a decided day before it: what lies before a market's first night was never there. One whose
    raw data did not arrive stays a hole until it does. What retention took away is none.
    """
    market, now = config.market.name, ledger.current(config.market.name)
    first = max(min(now.decisions, default=last), last - timedelta(days=days - 1))
    gone = set(expired(days_between(first, last), config.market, max(last, now.newest or last)))
    return [day for day in missing(market, first, last) if day not in gone and arrived(config, day)]


def arrived(config: RunConfig, day: date) -> bool:
    """Whether a night of `day` finds the raw data that it needs."""
    return inputs_of(config.market, day) != LATE
