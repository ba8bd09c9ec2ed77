"""Which versions hold what a model learned of single users."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering import a_run, store
from embedded import World

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from tasks import register
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

    monkeypatch.setattr(register.registry, "find_version", lambda *_: None)
    monkeypatch.setattr(register.registry, "register", take)
    monkeypatch.setattr(register, "save_pyfunc", lambda copy, model, **_: shutil.copytree(copy, model))
    mlflow: Any = None
    with_users, tags = keeps_users(knowing if won else None), {"kind": "repeat"}
    register._version(mlflow, "run", a_run(), knowing, with_users, "digest", tags, "card")
    assert sorted(registered["files"].intersection(OF_USERS)) == (OF_USERS if won else [])
    assert {"config.json", "items.parquet", register.CARD} <= registered["files"]
    assert registered["users"] == str(won).lower()
    assert all((knowing.folder() / name).exists() for name in OF_USERS), "what is stored stays as it is"
