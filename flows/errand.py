"""A run wanted on another machine, and the run that does it.

    pending ── a worker takes it up ── running ── completed
       │                                  └────── failed, cancelled: so is the errand
       └─ no worker for a while: given up         crashed: its machine is lost, another one takes it up
                                                  cancelling for a while: nobody ends it, given up

The key of an errand names what is wanted, not who wants it: whoever asks again, a parent that is retried or
another one, is given the run that lives; one that is dead is left alone, and a new one started. Prefect knows
only who asked first; a label on each flow run says which runs it waits for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, WorkerStatus
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Cancelled, Cancelling, Crashed

from hm_pipeline.errors import DispatchError

MOST_ATTEMPTS = 50  # dead runs of one key that are passed by within LATELY
LATELY = timedelta(hours=24)  # an outage of a night must not use up a key's attempts for ever
MOST_CRASHES = 3  # machines that may be lost while somebody waits
STOP_MINUTES = 10.0  # until what was told to stop has to be over; a worker that lives kills it after 30 s
_WAITS = "hm.waits-for."  # and a run's id


@dataclass(frozen=True)
class Errand:
    """What is wanted, and where."""

    name: str  # of the run, as the UI shows it
    deployment: str  # "train/gpu"
    pool: str  # the work pool whose workers carry it out
    parameters: dict[str, Any]  # JSON
    key: str
    is_done: Callable[[], bool]  # whether what is wanted is there, whoever made it
    wait_minutes: float  # without a worker
    most_minutes: float = float("inf")  # running: who runs longer hangs
    attempts: int = MOST_ATTEMPTS
    by_hand: str = ""  # the command that starts it when it is not tried any more


@dataclass
class Child:
    """The run that carries out an errand; one look at a time."""

    errand: Errand
    run: FlowRun
    crashes: int = 0
    alone_since: float | None = field(default=None)  # when its pool was first seen without a worker
    running_since: float | None = field(default=None)  # when it was first seen running
    stopping_since: float | None = field(default=None)  # when it was first seen cancelling

    @classmethod
    def of(cls, errand: Errand) -> "Child":
        """The live run of this errand, else a new one. DispatchError where there is no such deployment."""
        return cls(errand, _live(errand))

    def look(self) -> bool:
        """Whether it is done. DispatchError: it failed, was cancelled, or nobody takes it up."""
        with get_client(sync_client=True) as client:
            self.run = client.read_flow_run(self.run.id)
            state = self.run.state
            if state is None or not state.is_final():
                self._want_a_worker(client)
                self._want_an_end(client)
                self._want_it_stopped(client)
                return False
        if self.errand.is_done():  # whatever became of the run afterwards
            return True
        if state.is_crashed() and self.crashes < MOST_CRASHES:
            self.run = _live(self.errand)
            self.crashes += 1
            return False
        raise DispatchError(f"{self.errand.name}: {self._why(state)}")

    def _why(self, state: State[Any]) -> str:
        if not state.is_completed():
            return _told(self.run)
        return (
            f"it completed on {self.errand.pool}, but what it was to make is not where it belongs: its "
            f"worker runs other code or another HM_ROOT than this process. {_told(self.run)}"
        )

    def _want_a_worker(self, client: SyncPrefectClient) -> None:
        """A run that queues behind others waits; one whose pool has nobody waits `wait_minutes`."""
        waits = self.run.state is not None and (self.run.state.is_scheduled() or self.run.state.is_pending())
        if not waits or _has_worker(client, self.errand.pool):
            self.alone_since = None
            return
        self.alone_since = self.alone_since or time.monotonic()
        if time.monotonic() - self.alone_since > 60 * self.errand.wait_minutes:
            client.set_flow_run_state(self.run.id, Crashed(message="No worker took it up."))
            raise DispatchError(
                f"{self.errand.name} waited {self.errand.wait_minutes:g} minutes and work pool "
                f"{self.errand.pool} has no worker that lives; start one: "
                f"prefect worker start --pool {self.errand.pool}"
            )

    def _want_an_end(self, client: SyncPrefectClient) -> None:
        """What hangs on a driver or a socket still has heartbeats: it is cancelled after `most_minutes`."""
        if self.run.state is None or not self.run.state.is_running():
            self.running_since = None
            return
        self.running_since = self.running_since or time.monotonic()
        if time.monotonic() - self.running_since > 60 * self.errand.most_minutes:
            stop(client, self.run, f"it ran for more than {self.errand.most_minutes:g} minutes")

    def _want_it_stopped(self, client: SyncPrefectClient) -> None:
        """Only its own worker ends what was told to stop: without it a run stays Cancelling for ever.

        Cancelled, not Crashed: a crashed run is taken up again, and somebody wanted this one to end. The next
        look reads how it ended, and what it made meanwhile counts.
        """
        if self.run.state is None or not self.run.state.is_cancelling():
            self.stopping_since = None
            return
        self.stopping_since = self.stopping_since or time.monotonic()
        if time.monotonic() - self.stopping_since > 60 * STOP_MINUTES:
            client.set_flow_run_state(self.run.id, Cancelled(message=self._unstopped(self.run.state)))

    def _unstopped(self, state: State[Any]) -> str:
        why = f"{state.message}; " if state.message else ""
        where = self.run.infrastructure_pid or f"a machine of {self.errand.pool}"
        return (
            f"{why}it was told to stop, and {STOP_MINUTES:g} minutes later nobody had ended it: the worker "
            f"that began it is gone. If its process still runs ({where}), end it there, then start again"
        )


def _live(errand: Errand) -> FlowRun:
    """The run of the first attempt that is not dead. DispatchError where too many died lately."""
    died = 0
    for attempt in count():
        run = _asked(errand, attempt)
        if not _dead(run, errand):
            break
        died += _lately(run)
        if died >= errand.attempts:
            raise DispatchError(_given_up(errand, run))
    _note(run)
    return run


def _dead(run: FlowRun, errand: Errand) -> bool:
    """Whether it is over, or about to be, without what was wanted."""
    if run.state is None or not (run.state.is_final() or run.state.is_cancelling()):
        return False
    return not (run.state.is_completed() and errand.is_done())


def _lately(run: FlowRun) -> bool:
    assert run.state is not None, f"flow run {run.id} is over and has no state"
    return datetime.now(UTC) - run.state.timestamp < LATELY


def _given_up(errand: Errand, last: FlowRun) -> str:
    hours = LATELY.total_seconds() / 3600
    by_hand = f" To start it now: {errand.by_hand}." if errand.by_hand else ""
    return (
        f"{errand.name}: {errand.attempts} runs of it ended without a result within {hours:g} hours."
        f"{by_hand} The last one: {_told(last)}"
    )


def _note(run: FlowRun) -> None:
    """Label our own flow run, if we are in one: a child that lived before keeps its first parent."""
    if flow_run.id is None:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(UUID(flow_run.id), {f"{_WAITS}{run.id}": True})


def waits_for(run: FlowRun) -> set[UUID]:
    """The runs that this one waits for, or waited for."""
    return {UUID(label.removeprefix(_WAITS)) for label in run.labels if label.startswith(_WAITS)}


def _asked(errand: Errand, attempt: int) -> FlowRun:
    try:
        return run_deployment(  # type: ignore[return-value]  # its coroutine is for async callers
            errand.deployment,
            parameters=errand.parameters,
            flow_run_name=errand.name,
            idempotency_key=f"{errand.key}:{attempt}",
            timeout=0,
        )
    except ObjectNotFound:
        raise DispatchError(
            f"the Prefect server knows no deployment {errand.deployment}: register it with `hm set-up`"
        ) from None


def stop(client: SyncPrefectClient, run: FlowRun, why: str) -> None:
    """Cancel a run that is not over: its worker ends it, if it has begun; else it never begins."""
    if run.state is None or run.state.is_final():
        return
    begun = run.state.is_running()
    client.set_flow_run_state(run.id, Cancelling(message=why) if begun else Cancelled(message=why))


def _has_worker(client: SyncPrefectClient, pool: str) -> bool:
    try:
        workers = client.read_workers_for_work_pool(pool)
    except ObjectNotFound:
        raise DispatchError(f"there is no work pool {pool}: make it with `hm set-up`") from None
    return any(worker.status == WorkerStatus.ONLINE for worker in workers)


def _told(run: FlowRun) -> str:
    """How a run ended, in its own words."""
    state = run.state
    said = f" ({state.message})" if state is not None and state.message else ""
    return f"run {run.name} ended {state.name if state else 'nowhere'}{said}; its logs: flow run {run.id}"
