"""What an erasure and retention take away: in which order, and on this machine's disk as well."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from embedded import World, prune_as_of

from hm_pipeline.storage.folder import Folder
from tasks import ledger, register
from tasks.checkpoints import POINTER, Mirror
from tasks.erasure import erase, to_forget
from tasks.settings import settings

DAY = date(2021, 6, 9)
PAST = DAY - timedelta(days=20)


@pytest.fixture
def nothing_in_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "forget_users", lambda *_: [])
    monkeypatch.setattr(register, "retire_users", lambda *_: None)


def left_by_a_fit(day: date, name: str = "train-lstm/ab/cd") -> Mirror:
    mirror = Mirror.of("tiny", str(day), Path(name))
    mirror.folder.mkdir(parents=True)
    (mirror.folder / POINTER).write_text('{"last": "step-1", "best": null, "state": {"step": 1}}')
    return mirror


@pytest.mark.usefixtures("nothing_in_mlflow")
def test_an_erasure_leaves_no_checkpoint_but_of_who_trains_now(world: World) -> None:
    listed = world.raw / "erase" / "market=tiny" / "2021.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("u0001\n")
    idle, busy = left_by_a_fit(DAY), left_by_a_fit(DAY, "train-gru/ab/ef")
    stored = f"tiny/{DAY}/checkpoints/train-lstm/ab/{POINTER}"
    settings().storage.write(stored, b"{}")
    with busy.in_use():
        assert erase.fn("tiny", DAY) == 1
    assert (idle.folder.exists(), busy.folder.exists()) == (False, True)
    assert stored not in {entry.key for entry in settings().storage.keys("tiny")}
    assert not to_forget("tiny")
    assert erase.fn("tiny", DAY) == 0, "who is erased is not erased again"
    assert [len(entry.users) for entry in ledger.current("tiny").erasures] == [1]


@pytest.mark.usefixtures("nothing_in_mlflow")
def test_of_a_past_day_the_manifests_go_first_and_this_machines_copies_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, gone = World(tmp_path), list[str]()
    world.settle("retention_days = 8")
    delete = Folder.delete

    def noted(self: Folder, key: str) -> None:
        gone.append(key)
        delete(self, key)

    monkeypatch.setattr(Folder, "delete", noted)
    with world.entered():
        for name in ("a/attempt-1/users.parquet", "a/manifest.json", "b/attempt-2/x", "b/manifest.json"):
            settings().storage.write(f"tiny/{PAST}/samples/{name}", b"x")
        rooms = [settings().work / room / "tiny" for room in ("cache", "checkpoints")]
        for room in rooms:
            for day in (PAST, DAY):
                (room / str(day)).mkdir(parents=True)
        prune_as_of("tiny", DAY)
        assert [{day.name for day in room.iterdir()} for room in rooms] == [{str(DAY)}, {str(DAY)}]
    assert len(gone) == 4
    assert [key.endswith("manifest.json") for key in gone] == [True, True, False, False]
