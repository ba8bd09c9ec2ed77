"""Which versions hold what a model learned of single users."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering import DAY, a_run, store
from embedded import World

from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from hm_pipeline.registry import mlflow_registry
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.mlflow_runs import open_run
from hm_pipeline.registry.state import State
from tasks import register, tracking
from tasks.cards import keeps_users

OF_USERS = ["model/user_rows.npy", "users.parquet"]


@pytest.fixture
def knowing(samples: Samples) -> Any:
    """A stored release with a row for each of its users."""

    def save(folder: Path) -> None:
        Release(RepeatConfig(), Repeat(len(samples.items)), samples.items, samples.users).save(folder)
        np.save(folder / "model" / "user_rows.npy", np.ones((len(samples.users) - 1, 4), np.float32))

    return store("train", save)


@pytest.mark.parametrize("won", [False, True], ids=["not in office", "in office"])
def test_only_the_version_in_office_holds_its_users(
    world: World, knowing: Any, won: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: dict[str, Any] = {}

    def take(mlflow: object, name: str, run_id: str, model: Path, *, tags: Any, **_: Any) -> int:
        files = {str(file.relative_to(model)) for file in model.rglob("*") if file.is_file()}
        registered.update(files=files, users=tags["users"])
        return 1

    monkeypatch.setattr(register.registry, "find_version", lambda *_, **__: None)
    monkeypatch.setattr(register.registry, "register", take)
    monkeypatch.setattr(register, "save_pyfunc", lambda copy, model, **_: shutil.copytree(copy, model))
    mlflow: Any = None
    with_users, tags = keeps_users(knowing if won else None), {"kind": "repeat"}
    register._version(mlflow, "run", a_run(), knowing, with_users, "digest", tags, "card")
    assert sorted(registered["files"].intersection(OF_USERS)) == (OF_USERS if won else [])
    assert {"config.json", "items.parquet", register.CARD} <= registered["files"]
    assert registered["users"] == str(won).lower()
    assert all((knowing.folder() / name).exists() for name in OF_USERS), "what is stored stays as it is"


Version = Callable[[date], ModelRef]


@pytest.fixture
def version(world: World, knowing: Any) -> Version:
    """Registers the release as a run date's, with its users."""
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, "tiny")

    def register_it(day: date) -> ModelRef:
        run_id = open_run(mlflow, place, str(day), digest=str(day), level="model", tags={"market": "tiny"})
        tags = {"kind": "repeat", "day": str(day)}
        number = register._version(mlflow, run_id, a_run(), knowing, True, str(day), tags, "card")
        return ModelRef(kind="repeat", day=day, version=number, uri=knowing.prefix, run_id=run_id)

    return register_it


def knows(ref: ModelRef, folder: Path) -> bool:
    """Whether anybody is left in what MLflow keeps of a version."""
    folder.mkdir()
    copy = Path(tracking.client().download_artifacts(ref.run_id, "", str(folder)))
    (rows,), (users,) = copy.rglob("user_rows.npy"), copy.rglob("users.parquet")
    remembered = bool(np.load(rows).any())
    assert remembered == (Vocabulary.load(users).ids.drop_nulls().len() > 0), "rows and ids go together"
    return remembered


def test_nobody_is_remembered_longer_but_by_the_champion_and_the_one_before(
    version: Version, tmp_path: Path
) -> None:
    days = [DAY - timedelta(days=20 - back) for back in range(5)]
    old, previous, champion, last, young = [version(day) for day in days]
    for _ in range(2):  # the second time finds nothing to do
        register.retire_users("tiny", State(line=(previous, champion)), last.day)
    left = {ref.day for ref in (old, previous, champion, last, young) if knows(ref, tmp_path / str(ref.day))}
    assert left == {previous.day, champion.day, young.day}
    name = mlflow_registry.model_name("tiny")
    told = mlflow_registry.versions_with_users(tracking.client(), name, young.day)
    assert told == [previous.version, champion.version, young.version]
