"""What is a market's own: zone, window, column names, and the contract its raw data keeps.

The `[market]` part of `deploy/markets/*.toml`. Column fields hold the *source's* names.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from hm_pipeline.frozen import Frozen

PURCHASE = "purchase"  # the one event type with a meaning of its own: sales


class TimestampConfig(Frozen):
    """How the source writes an instant. Stamps that carry an offset or a zone need none of this."""

    column: str = "timestamp"
    zone: str = "UTC"  # of stamps without an offset; a plain date is midnight in it
    format: str | None = None  # strptime format of text; None: ISO 8601
    epoch: Literal["s", "ms", "us", "ns"] | None = None  # unit of whole numbers; None: they are refused

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        return known_zone(zone)


class InteractionColumns(Frozen):
    """Where a web interaction's fields lie in the source; None where the source has none."""

    user_id: str = "user_id"
    item_id: str = "item_id"
    timestamp: TimestampConfig = TimestampConfig()
    event_type: str | None = "event_type"
    constant_event: str | None = None  # what each row is, where the source has no event column
    events: dict[str, str] = Field(
        {}
    )  # source's event name -> ours ("view", "purchase", …); others keep theirs
    order: str | None = None  # whole number that orders a user's rows of one timestamp
    price: str | None = None
    event_id: str | None = None  # makes a row distinct (basket, event id) where two are really two

    @model_validator(mode="before")
    @classmethod
    def _a_constant_needs_no_column(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "constant_event" in given:
            return {"event_type": None, **given}  # TOML has no null
        return given

    @model_validator(mode="after")
    def _one_event(self) -> Self:
        if (self.event_type is None) == (self.constant_event is None):
            raise ValueError("name either event_type (a column) or constant_event (a value), not both")
        return self


class ArticleColumns(Frozen):
    """Where an article's attributes lie in the source; None: unknown."""

    item_id: str = "item_id"
    name: str | None = None
    category: str | None = None
    colour: str | None = None
    price: str | None = None
    launched: str | None = None  # a day, ISO 8601 or a parquet date
    available: str | None = None  # true/false, yes/no, 1/0


class UserColumns(Frozen):
    """Where a user's attributes lie in the source; None: unknown."""

    user_id: str = "user_id"
    age: str | None = None
    region: str | None = None


class ContractConfig(Frozen):
    """What raw data must keep for a run to start."""

    max_rejected_share: float = Field(0.01, ge=0, le=1)  # of the rows read
    max_missing_share: float = Field(0.1, ge=0, le=1)  # of the window's days without a file
    min_day_share: float = Field(0.5, ge=0)  # D-1's rows against its weekday's median; 0: no floor
    readiness: str | None = None  # marker that ends a partition, e.g. "_SUCCESS"; None: no such custom
    closed_days: tuple[str, ...] = ()  # "12-25" or "2021-06-25": nothing is expected of them
    max_id_length: int = Field(64, ge=1)  # characters
    placeholder_ids: tuple[str, ...] = ("null", "none", "nan", "undefined", "\\n")  # say nothing; any case
    max_price: float = Field(1e6, gt=0)  # in the market's currency
    max_events_per_user_day: int = Field(5_000, ge=1)  # more than a person can make: a bot

    @field_validator("closed_days")
    @classmethod
    def _are_days(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_closed_day(day) for day in days)


class MarketConfig(Frozen):
    """One country site."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    nightly: bool = True  # false: only studied, so it has no deployment
    timezone: str  # whose midnight ends a day
    partition_zone: str | None = None  # whose day `date=` is; None: the market's
    window_days: int = Field(30, ge=2)
    interaction_events: tuple[str, ...] = ("view",)  # which make a history; only these and purchases are kept
    interactions: InteractionColumns = InteractionColumns()
    articles: ArticleColumns = ArticleColumns()
    users: UserColumns = UserColumns()
    csv_separator: str = Field(",", min_length=1, max_length=1)
    contract: ContractConfig = ContractConfig()
    retention_days: int | None = Field(None, ge=1)  # older days and what was made of them are deleted

    @field_validator("timezone", "partition_zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        return None if zone is None else known_zone(zone)

    @model_validator(mode="after")
    def _retains_its_window(self) -> Self:
        if self.retention_days is not None and self.retention_days < self.window_days:
            raise ValueError(
                f"retention_days {self.retention_days} is shorter than window_days {self.window_days}: "
                "a run would need days that may no longer be kept"
            )
        return self

    def is_closed(self, day: date) -> bool:
        """Whether nothing is expected of a day."""
        return not {day.isoformat(), f"{day:%m-%d}"}.isdisjoint(self.contract.closed_days)

    @property
    def partitioned_by(self) -> str:
        """The zone whose day `date=` is."""
        return self.partition_zone or self.timezone


def _closed_day(day: str) -> str:
    """As `is_closed` compares it, or a ValueError: another spelling would never be found."""
    dated = day if len(day) > len("12-25") else f"2000-{day}"  # a leap year
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", dated):
        raise ValueError(f"closed day {day!r}: write it as MM-DD (every year) or YYYY-MM-DD (once)")
    date.fromisoformat(dated)
    return day


def known_zone(zone: str) -> str:
    """The zone's name, or a ValueError that says how it is spelled."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone {zone!r}; write it like 'Europe/Stockholm' or 'UTC'") from None
    return zone
