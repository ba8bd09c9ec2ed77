"""Who is tried again: storage or tracking that did not answer. Training never: a bug does not heal."""

from collections.abc import Callable
from typing import Any, TypeVar

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from hm_pipeline.errors import ConflictError, NotThereError, RegistryError, StorageError

T = TypeVar("T")
# Who loses lost to an entry of the ledger, so the market gets on with each loss, and to begin again costs
# little: what is stored is read. A backfill's parallel night may lose to each of the others, and to the next.
TRIES_ON_CONFLICT = 50


def _storage_failed(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, StorageError) and not isinstance(error, NotThereError | ConflictError)


def _tracking_failed(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), RegistryError)


def _either_failed(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return _storage_failed(task, run, state) or _tracking_failed(task, run, state)


ON_STORAGE: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 30],
    "retry_condition_fn": _storage_failed,
}

ON_TRACKING: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [2, 20],
    "retry_condition_fn": _tracking_failed,
}

ON_STORAGE_OR_TRACKING: dict[str, Any] = ON_STORAGE | {"retry_condition_fn": _either_failed}


def again_on_conflict(work: Callable[[], T], tries: int = TRIES_ON_CONFLICT) -> T:
    """`work`, from its start where another run of the market wrote the ledger first."""
    for _ in range(tries - 1):
        try:
            return work()
        except ConflictError:
            continue
    return work()
