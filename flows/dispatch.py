"""Where work is done: here, in this process, or by runs of deployments on the pools' workers.

HM_DISPATCH=here   (the default) one process does everything, one thing after another
HM_DISPATCH=pools  each model is trained on the pool that pools.toml names for its kind, all at once, and with
                   publish.shards the lists are made there too
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect import Flow, State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType

from flows.errand import Child, Errand, stop, waits_for
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ConflictError, DamagedError, DispatchError, NotThereError, StorageError
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Step
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.storage import find
from tasks.lists import lists_address, recommend
from tasks.order import Order, refit_order
from tasks.progress import tell
from tasks.run import Run
from tasks.settings import settings
from tasks.shard import Shard, shards
from tasks.stage import Stored, stored
from tasks.train import train

T = TypeVar("T")
POLL_SECONDS = 3.0
SERVER_AWAY = timedelta(minutes=15)  # a server that restarts is waited for


def fitted(orders: Sequence[Order]) -> list[Stored[Release]]:
    """Every ordered model, once where it is ordered twice. DispatchError names all that did not come."""
    distinct = {order.address: order for order in orders}
    if settings().dispatch == "here":
        made = _one_by_one(distinct.values())
        return [made[order.address] for order in orders]
    carry_out([errand_of(order) for order in distinct.values() if not _lies(order)])
    return [stored(order.address) for order in orders]


def _one_by_one(orders: Iterable[Order]) -> dict[str, Stored[Release]]:
    """By address. One that fails stops no other, as on the pools; a single failure is told as it is."""
    made, failed = dict[str, Stored[Release]](), list[tuple[Order, Exception]]()
    for order in orders:
        try:
            made[order.address] = train(order)
        except Exception as error:  # whatever it was, the others may still come
            failed.append((order, error))
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        told = "\n".join(f"{o.title} ({o.address}): {type(error).__name__}: {error}" for o, error in failed)
        total = len(made) + len(failed)
        raise DispatchError(f"{len(failed)} of {total} did not come:\n{told}") from failed[0][1]
    return made


def refitted(
    run: Run, everything: Stored[Samples], fits: Mapping[str, Stored[Release]], verdict: Verdict
) -> Stored[Release] | None:
    """What the winner answers with: fitted again on all days, or the candidate as it is; None: nobody won."""
    order = refit_order(run, everything, fits, verdict)
    if order is not None:
        return fitted([order])[0]
    return fits[verdict.promoted] if verdict.promoted else None


def listed(run: Run, everything: Stored[Samples], ref: ModelRef | None) -> Stored[Any] | None:
    """Everybody's lists: by this process, or in shards by workers. DispatchError names what did not come."""
    wanted = _ranges(run, everything, ref) if ref and settings().dispatch == "pools" else []
    if not wanted:
        return recommend(run, everything, ref)
    carry_out([errand_of(shard) for shard in wanted if not _lies(shard)])
    return recommend(run, everything, ref, [stored(shard.address) for shard in wanted])


def _ranges(run: Run, everything: Stored[Samples], ref: ModelRef) -> list[Shard]:
    """What workers answer: nothing where one range is all, or where everybody's lists lie, however cut."""
    if find(settings().storage, lists_address(run, everything, ref)) is not None:
        return []
    cut = shards(run, everything, ref)
    return cut if len(cut) > 1 else []


def errand_of(wanted: Order | Shard) -> Errand:
    """An order or a shard as a run of its pool's deployment."""
    flow, parameter = ("train", "order") if isinstance(wanted, Order) else ("answer", "shard")
    pool = wanted.run.config.pools[wanted.pool]
    return Errand(
        name=f"{wanted.run.market}-{wanted.run.day}-{wanted.title.replace(' ', '-')}",
        deployment=f"{flow}/{wanted.pool}",
        pool=f"{wanted.pool}-pool",
        parameters={parameter: wanted.model_dump(mode="json")},
        key=wanted.address,
        is_done=lambda: _lies(wanted),
        wait_minutes=pool.wait_minutes,
        most_minutes=pool.most_minutes,
    )


def _lies(wanted: Order | Shard) -> bool:
    return find(settings().storage, wanted.address) is not None


def carry_out(errands: Iterable[Errand], at_once: int | None = None) -> None:
    """Start them, so many at a time, and see each to its end; then DispatchError, if any failed, names all.

    One that fails stops no other: what the others make is stored, and the next attempt finds it.
    """
    waiting, live, failed = list(errands), list[Child](), list[str]()
    total = len(waiting)
    while waiting or live:
        while waiting and (at_once is None or len(live) < at_once):
            live += _begun(waiting.pop(0), failed)
        live = [child for child in live if not _ended(child, failed)]
        tell(Step("on the pools", total - len(waiting) - len(live), total, _names(live)))
        if live:
            time.sleep(POLL_SECONDS)
    if failed:
        raise DispatchError(f"{len(failed)} of {total} did not come:\n" + "\n".join(failed))


def _begun(errand: Errand, failed: list[str]) -> list[Child]:
    try:
        return [_patiently(partial(Child.of, errand))]
    except DispatchError as error:
        failed.append(str(error))
        return []


def _ended(child: Child, failed: list[str]) -> bool:
    try:
        return _patiently(child.look)
    except DispatchError as error:
        failed.append(str(error))
        return True


def _patiently(ask: Callable[[], T]) -> T:
    """The answer of a server, or of storage, that may be restarting."""
    end = time.monotonic() + SERVER_AWAY.total_seconds()
    while True:
        try:
            return ask()
        except (httpx.HTTPError, StorageError) as error:
            if _final(error) or time.monotonic() > end:
                raise
            time.sleep(POLL_SECONDS)


def _final(error: httpx.HTTPError | StorageError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code < 500
    return isinstance(error, NotThereError | ConflictError | DamagedError)


def cancel_children(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Who cancels a run means all of it, but for what another run waits for that goes on.

    A parent that dies of something else leaves its children alive.
    """
    with get_client(sync_client=True) as client:
        wanted = _wanted_by_others(client, flow_run)
        for child in _children(client, flow_run):
            if child.id not in wanted:
                stop(client, child, f"{flow_run.name} was cancelled")


def _children(client: SyncPrefectClient, parent: FlowRun) -> list[FlowRun]:
    """The runs that it began, and those that it found alive."""
    begun = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
    noted = waits_for(client.read_flow_run(parent.id))  # now: a hook is given the run as it once was
    found = FlowRunFilter(id=FlowRunFilterId(any_=sorted(noted)))
    runs = [run for which in (begun, found) for run in client.read_flow_runs(flow_run_filter=which)]
    return list({run.id: run for run in runs}.values())


def _wanted_by_others(client: SyncPrefectClient, parent: FlowRun) -> set[UUID]:
    """What the flow runs that go on wait for."""
    others = FlowRunFilter(
        id=FlowRunFilterId(not_any_=[parent.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
    )
    return {run for other in client.read_flow_runs(flow_run_filter=others) for run in waits_for(other)}


def _names(live: Sequence[Child]) -> str:
    return ", ".join(child.errand.name for child in live)
