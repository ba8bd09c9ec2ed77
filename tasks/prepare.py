"""What a run is, settled before anything is read: configuration, day, digest of the inputs."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from prefect import task
from prefect.runtime import flow_run

from hm_pipeline.config import RunConfig, load
from hm_pipeline.errors import ConfigError
from tasks.extract import inputs
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings


@task(name="resolve")
def resolve(market: str, config: RunConfig | None) -> RunConfig:
    """The configuration given, or the market's own, read here, once. ConfigError."""
    config = config or load(settings().config, market)
    if config.market.name != market:
        raise ConfigError(f"the configuration given is of market {config.market.name}, not of {market}")
    return config


def logical_day(config: RunConfig, day: date | None) -> date:
    """The day asked for, else the planned start of this run in the market's zone; ConfigError."""
    if day is not None:
        return day
    planned = flow_run.scheduled_start_time
    if planned is None:
        raise ConfigError(
            f"market {config.market.name}: no day; give one (--day 2021-06-01), or run it by a schedule"
        )
    local: datetime = planned.astimezone(ZoneInfo(config.market.timezone))
    return local.date()


@task(name="prepare", **ON_STORAGE)
def prepare(config: RunConfig, day: date, redo: bool) -> Run:
    """The run of a market and day.

    Raises LateDataError or MissingPartitionsError before anything is computed.
    """
    return Run(config=config, day=day, inputs=inputs(config.market, day).digest, redo=redo)
