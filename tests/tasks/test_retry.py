"""Which tasks are tried again where storage does not answer, and that a second try finds what the first one left."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from embedded import World, prune_as_of
from prefect.client.schemas.objects import State, StateType

from hm_pipeline.errors import NotThereError, RegistryError, StorageError
from hm_pipeline.registry.state import State as Ledger
from hm_pipeline.storage.folder import Folder
from tasks import register
from tasks.commit import commit, publish
from tasks.decide import weigh
from tasks.drift import measure_drift
from tasks.erasure import erase, prune
from tasks.evaluate import evaluate_release, read_champion
from tasks.extract import extract
from tasks.lists import answer_shard, examine, recommend
from tasks.longevity import measure_longevity, pooled
from tasks.office import published_hr
from tasks.prepare import prepare
from tasks.register import withdraw
from tasks.report import report
from tasks.samples import build_samples
from tasks.settings import settings
from tasks.train import train

STORING = [
    prepare, extract, build_samples, evaluate_release, read_champion, measure_longevity, measure_drift, published_hr,
    weigh, recommend, answer_shard, examine, commit, publish, report, erase, prune, pooled, register.register, withdraw,
]  # fmt: skip
TRACKING = [register.register, withdraw, publish, erase, prune]


def failed_by(error: Exception) -> State[Any]:
    return State(type=StateType.FAILED, data=error)


@pytest.mark.parametrize("step", STORING, ids=lambda step: step.name)
def test_storage_that_does_not_answer_is_asked_again_and_a_fault_is_not(step: Any) -> None:
    assert step.retries == len(step.retry_delay_seconds)
    assert sum(step.retry_delay_seconds) >= 30, "half a minute is what the README promises"
    assert step.retry_condition_fn(step, None, failed_by(StorageError("503")))
    assert not step.retry_condition_fn(step, None, failed_by(NotThereError("gone")))
    assert not step.retry_condition_fn(step, None, failed_by(KeyError("a bug")))


@pytest.mark.parametrize("step", TRACKING, ids=lambda step: step.name)
def test_mlflow_that_does_not_answer_is_asked_again_and_a_fault_is_not(step: Any) -> None:
    assert step.retries == len(step.retry_delay_seconds)
    assert step.retry_condition_fn(step, None, failed_by(RegistryError("500")))
    assert not step.retry_condition_fn(step, None, failed_by(KeyError("a bug")))


def test_training_is_never_tried_again() -> None:
    assert train.retries == 0


def test_a_deletion_that_storage_broke_off_is_whole_after_the_second_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, last = World(tmp_path), date(2021, 6, 9)
    world.settle("retention_days = 8")
    retired: list[date] = []

    def retire(_market: str, _now: Ledger, day: date) -> None:
        retired.append(day)

    monkeypatch.setattr(register, "retire_users", retire)
    with world.entered():
        days = [last - timedelta(days=back) for back in range(11)]
        for day in days:
            for name in ("manifest.json", "attempt-1/lists.parquet"):
                settings().storage.write(f"tiny/{day}/lists/aa/{name}", b"x")
        with monkeypatch.context() as patch:
            patch.setattr(Folder, "delete", breaking_after(3))
            with pytest.raises(StorageError):
                prune_as_of("tiny", last)
        assert retired == []
        prune_as_of("tiny", last)
        kept = {entry.key.split("/")[1] for entry in settings().storage.keys("tiny")}
    assert kept == {str(day) for day in days[:9]}
    assert retired == [days[9]], "nobody is remembered of the newest day that is past"


def breaking_after(calls: int) -> Any:
    """A deletion that works so often."""
    real, left = Folder.delete, calls

    def delete(self: Folder, key: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise StorageError("503")
        real(self, key)

    return delete
