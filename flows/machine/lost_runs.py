"""Runs that a machine left behind when it was switched off: Running on the server, and nowhere else.

The server's automation finds a run without heartbeats while the server is up; nobody does while it is down.
"""

from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

from flows.setting_up.pools import work_pools
from flows.setting_up.server import connected

_ALIVE = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def give_up_lost_runs(config: Path) -> list[str]:
    """Set them to Crashed, so that the gap check starts their nights again; their names.

    Only where no worker of this server runs yet: then no run of its pools can be alive.
    """
    with connected() as client:
        lost = _alive(client, list(work_pools(config)))
        for run in lost:
            state: State[Any] = Crashed(message="The machine that ran this was stopped.")
            client.set_flow_run_state(run.id, state, force=True)
    return [run.name for run in lost]


def _alive(client: SyncPrefectClient, pools: list[str]) -> list[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ALIVE))
    where = WorkPoolFilter(name=WorkPoolFilterName(any_=pools))
    found: list[FlowRun] = []
    while batch := client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state), work_pool_filter=where, limit=200, offset=len(found)
    ):
        found += batch
    return found
