"""What a run is, settled before anything is read: configuration, day, digest of the inputs."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from prefect import task
from prefect.runtime import flow_run

from hm_pipeline.config import RunConfig, load
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.errors import ConfigError, LateDataError, RegistryError
from hm_pipeline.registry.ledger import Decision
from tasks import ledger
from tasks.deadline import awaited, deadline_ahead
from tasks.extract import extract, inputs, inputs_of
from tasks.listeners import outlive_the_worker
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored


@task(name="resolve")
def resolve(market: str, config: RunConfig | None) -> RunConfig:
    """The configuration given, or the market's own, read here, once. ConfigError."""
    outlive_the_worker()
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
    """The run of a market and day; raw data that is late is waited for while a deadline is ahead.

    Raises LateDataError or MissingPartitionsError before anything is computed. A day that is decided
    waits for nothing, not even for raw files that are gone by now: it is only read again.
    """

    def look() -> Run:
        return Run(config=config, day=day, inputs=inputs(config.market, day).digest, redo=redo)

    stands = ledger.current(config.market.name).decisions.get(day)
    if stands is not None and redo:
        _refuse_to_lose(stands, config.market.name)
    if stands is None or redo:
        return awaited(look, config, day)
    return Run(config=config, day=day, inputs=inputs_of(config.market, day))


def _refuse_to_lose(stands: Decision, market: str) -> None:
    """RegistryError where deciding again could replace nobody, and would lose what was decided then."""
    newest = ledger.current(market).newest
    if newest is not None and stands.day < newest and stands.verdict.step != "older day":
        raise RegistryError(
            f"market {market}: {stands.day} cannot be decided again: {newest} was decided since, so it could "
            "replace nobody, and what it decided then would be lost. --redo is for the newest run date"
        )


@task(name="prepare again", **ON_STORAGE)
def prepare_again(run: Run, late: str) -> Run:
    """The run once its raw files are others than those that were `late`; LateDataError at the deadline."""

    def look() -> Run:
        found = inputs(run.config.market, run.day).digest
        if found == run.inputs:
            raise LateDataError(late)
        return run.model_copy(update={"inputs": found})

    return awaited(look, run.config, run.day)


def arrived(run: Run) -> tuple[Run, Stored[InteractionLog]]:
    """The window's log, and the run of the raw files that it was made from.

    Files that came meanwhile, or a newest day that holds too little, are looked at again while a
    deadline is ahead; LateDataError otherwise.
    """
    while True:
        try:
            return run, extract(run)
        except LateDataError as error:
            if deadline_ahead(run.config, run.day) is None:
                raise
            run = prepare_again(run, str(error))
