"""Many nights of one market, oldest first: `hm backfill`, and the deployment `backfill/backfill`."""

from collections.abc import Iterable
from datetime import date

from prefect import flow

from flows.daily import daily
from flows.dispatch import cancel_children, carry_out
from flows.errand import MOST_ATTEMPTS, Errand
from hm_pipeline.config import RunConfig
from hm_pipeline.errors import ConfigError, DispatchError
from tasks.code import revision
from tasks.extract import inputs_of
from tasks.gaps import days_between, is_there, missing, require_kept
from tasks.prepare import resolve
from tasks.run import Run
from tasks.settings import settings

WORKER_MINUTES = 10.0


@flow(name="backfill", flow_run_name="{market}-{first}-{last}", on_cancellation=[cancel_children])
def backfill(
    market: str, first: date, last: date, only_missing: bool = False, parallel: int = 1
) -> list[date]:
    """The nights of the run dates from `first` to `last`; which ones were run.

    Every day is registered and can be compared; none of them takes the champion's place from a newer day's.
    A day that was decided from the same inputs is only looked at. One that fails does not stop the others:
    at the end DispatchError names all that did. `only_missing` leaves out the days whose night came to its
    end, under whatever code. `parallel` nights run at once, where there are pools to run them. Who cancels
    it cancels the nights that it waits for.
    """
    if last < first:
        raise ConfigError(f"the range ends on {last}, before it begins on {first}")
    config = resolve(market, None)
    wanted = missing(market, first, last) if only_missing else list(days_between(first, last))
    require_kept(config, days_between(first, last))
    nights(config, wanted, parallel)
    return wanted


def nights(config: RunConfig, days: Iterable[date], parallel: int = 1, attempts: int = MOST_ATTEMPTS) -> None:
    """Run them here one after another, or by their deployment so many at a time. DispatchError.

    A day that failed `attempts` times within 24 hours is not tried again.
    """
    if settings().dispatch == "pools":
        carry_out([errand_of(config, day, attempts) for day in days], at_once=parallel)
        return
    failed = [told for day in days if (told := _failure(config.market.name, day))]
    if failed:
        raise DispatchError(f"{len(failed)} nights failed:\n" + "\n".join(failed))


def errand_of(config: RunConfig, day: date, attempts: int) -> Errand:
    """One night as a run of the market's daily deployment.

    Other raw files, configuration or code are another errand: what is repaired is tried at once.
    """
    market = config.market.name
    run = Run(config=config, day=day, inputs=inputs_of(config.market, day))
    return Errand(
        name=f"{market}-{day}",
        deployment=f"daily/{market}",
        pool="orchestrator-pool",
        parameters={"day": str(day)},
        key=f"night/{market}/{day}/{run.digest}/{revision()}",
        is_done=lambda: is_there(market, day),
        wait_minutes=WORKER_MINUTES,
        attempts=attempts,
        by_hand=f"prefect deployment run daily/{market} --param day={day}",
    )


def _failure(market: str, day: date) -> str:
    try:
        daily(market, day)
    except Exception as error:  # whatever it was, the other nights may still come
        return f"{market} {day}: {type(error).__name__}: {error}"
    return ""
