"""Who is tried again: storage that did not answer. Training never: a bug does not heal."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from hm_pipeline.errors import NotThereError, StorageError


def _storage_failed(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, StorageError) and not isinstance(error, NotThereError)


ON_STORAGE: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 30],
    "retry_condition_fn": _storage_failed,
}
