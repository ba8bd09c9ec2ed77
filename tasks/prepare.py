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


def logical_day(market: str, day: date | None, config: RunConfig | None) -> date:
    """The day asked for, else the planned start of this run in the market's zone; ConfigError."""
    if day is not None:
        return day
    planned = flow_run.scheduled_start_time
    if planned is None:
        raise ConfigError(f"market {market}: no day; give one (--day 2021-06-01), or run it by a schedule")
    zone = (config or load(settings().config, market)).market.timezone
    local: datetime = planned.astimezone(ZoneInfo(zone))
    return local.date()


@task(name="prepare", **ON_STORAGE)
def prepare(market: str, day: date, config: RunConfig | None, redo: bool) -> Run:
    """The run of a market and day; the configuration is read here, once, where none was given.

    Raises LateDataError or MissingPartitionsError before anything is computed.
    """
    config = config or load(settings().config, market)
    if config.market.name != market:
        raise ConfigError(f"the configuration given is of market {config.market.name}, not of {market}")
    return Run(config=config, day=day, inputs=inputs(config.market, day).digest, redo=redo)
