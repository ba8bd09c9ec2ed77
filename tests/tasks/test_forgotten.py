"""What an erasure and retention take away: in which order, and on this machine's disk as well."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from answering import store
from embedded import World, prune_as_of

from hm_pipeline.errors import DamagedError
from hm_pipeline.storage.folder import Folder
from tasks import erasure, ledger, register
from tasks.checkpoints import POINTER, Mirror
from tasks.erasure import erase, to_forget
from tasks.settings import settings
from tasks.stage import stored

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


def listed_to_be_forgotten(world: World, user: str) -> None:
    file = world.raw / "erase" / "market=tiny" / "2021.txt"
    file.parent.mkdir(parents=True)
    file.write_text(f"{user}\n")


def users_of(prefix: str) -> list[str]:
    return pl.read_parquet(stored(prefix).folder() / "lists.parquet")["user_id"].to_list()


def lists_of(*users: str) -> Callable[[Path], None]:
    return lambda folder: pl.DataFrame({"user_id": users}).write_parquet(folder / "lists.parquet")


@pytest.mark.usefixtures("nothing_in_mlflow")
def test_what_is_stored_while_somebody_is_erased_forgets_him_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed_to_be_forgotten(world, "u0001")
    amend, late = ledger.amend, list[str]()

    def meanwhile(*given: Any) -> Any:
        late.append(store("lists", lists_of("u0001", "u0002")).prefix)
        return amend(*given)

    monkeypatch.setattr(ledger, "amend", meanwhile)
    assert erase.fn("tiny", DAY) == 1
    assert users_of(late[0]) == ["u0002"]


@pytest.mark.usefixtures("nothing_in_mlflow")
def test_a_damaged_result_is_dropped_and_stops_no_erasure_unless_it_is_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed_to_be_forgotten(world, "u0001")
    damaged = store("lists", lists_of("u0001"))
    (file,) = (Path(world.root) / damaged.prefix).rglob("lists.parquet")
    file.unlink()
    shown = erasure._shown
    monkeypatch.setattr(erasure, "_shown", lambda _: {damaged.prefix})
    with pytest.raises(DamagedError, match="it is gone"):
        erase.fn("tiny", DAY)
    monkeypatch.setattr(erasure, "_shown", shown)
    assert erase.fn("tiny", DAY) == 1
    assert not list(settings().storage.keys(damaged.prefix))


@pytest.mark.usefixtures("nothing_in_mlflow")
def test_a_try_that_becomes_whole_while_unfinished_ones_are_looked_for_is_let_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed_to_be_forgotten(world, "u0001")
    result = store("lists", lists_of("u0002"))
    manifest, manifests = Path(world.root) / result.prefix / "manifest.json", erasure._manifests
    content = manifest.read_bytes()
    manifest.unlink()  # all files of the try are there, and it is not

    def late(market: str) -> list[str]:
        there = manifests(market)
        manifest.write_bytes(content)
        return there

    monkeypatch.setattr(erasure, "_manifests", late)
    assert erase.fn("tiny", DAY) == 1
    assert users_of(result.prefix) == ["u0002"]


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
