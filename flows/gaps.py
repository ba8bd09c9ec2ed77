"""Nights that an outage, a lost host or a fault left undecided: found every hour, and run.

Prefect executes late runs, but after days of outage its scheduler has lost some, and a run whose host died is
Crashed, which nothing retries. The ledger knows which days are there, so this needs no memory of its own.
"""

import logging
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as OfType
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType

from flows.backfill import nights
from hm_pipeline.config import RunConfig
from tasks.gaps import holes, is_there
from tasks.prepare import logical_day, resolve
from tasks.settings import settings
from tasks.stale import mark_if_late

TRIES = 5  # of one day within 24 hours: what fails so often waits for a person, or for tomorrow
log = logging.getLogger("hm")


@flow(name="gaps", flow_run_name="gaps-{market}")
def gaps(market: str, days: int = 7, day: date | None = None) -> list[date]:
    """Run what is missing among the last `days` run dates up to `day` (the planned one); which ones.

    Left alone: what lies before the market's first night, days whose raw data did not arrive, and days that a
    run of `daily` lives for, is scheduled for, or was cancelled for by a person. Today's lists that are late
    are marked so, whatever holds them. Who pauses the nights pauses the rest of this, too; who gives a `day`
    wants it looked at nevertheless.
    """
    config = resolve(market, None)
    last = logical_day(config, day)
    if not is_there(market, last):
        mark_if_late(config, last)
    if day is None and settings().dispatch == "pools" and _paused(market):
        log.warning(
            "nothing is looked for: daily/%s is paused or has no active schedule. To look nevertheless, give "
            "a day: prefect deployment run gaps/%s --param day=2021-06-01",
            *(market, market),
        )
        return []
    busy = set(_busy(config)) if settings().dispatch == "pools" else set[date]()
    wanted = [hole for hole in holes(config, last, days) if hole not in busy]
    nights(config, wanted, attempts=TRIES)
    return wanted


def _paused(market: str) -> bool:
    """Whether the market's nights do not run by themselves."""
    with get_client(sync_client=True) as client:
        nightly = client.read_deployment_by_name(f"daily/{market}")
    return nightly.paused or not any(schedule.active for schedule in nightly.schedules)


def _busy(config: RunConfig) -> Iterator[date]:
    """The run dates that a run of the daily deployment lives for, is going to, or was cancelled for."""
    left = [s for s in StateType if s not in TERMINAL_STATES or s == StateType.CANCELLED]
    alive = FlowRunFilterState(type=OfType(any_=left))
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"daily/{config.market.name}")
        of_it = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]), state=alive)
        for run in client.read_flow_runs(flow_run_filter=of_it):
            yield _run_date(run, config.market.timezone)


def _run_date(run: FlowRun, zone: str) -> date:
    """The day that a run was given, else the one it is planned for."""
    given = run.parameters.get("day")
    if given is not None:
        return date.fromisoformat(given)
    planned = run.expected_start_time
    assert planned is not None, f"flow run {run.id} has neither a day nor a planned start"
    return planned.astimezone(ZoneInfo(zone)).date()
