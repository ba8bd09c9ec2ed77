"""`hm simulate` into a folder and into a bucket: once, on after a kill, and never over somebody's data."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from embedded import World
from imported import DEPLOY
from shops import FIRST, contents, small

from flows.simulating import simulate, tell_best
from hm_pipeline.errors import ConfigError, StorageError
from hm_pipeline.storage import open_storage
from hm_pipeline.storage.folder import Folder

RECORD = "users/market=sim/_simulation.json"
ASKED: dict[str, Any] = small(days=3).model_dump(exclude={"model", "market", "timezone"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The configuration that ships, and no data."""
    world = World(tmp_path)
    shutil.copytree(DEPLOY.parent, tmp_path / "config")
    with world.entered():
        yield world


def raw(place: str | Path) -> dict[str, bytes]:
    storage = open_storage(str(place))
    return {entry.key: storage.read(entry.key) for entry in storage.keys()}  # noqa: SIM118  a listing


def test_a_second_time_nothing_is_done(world: World, capsys: pytest.CaptureFixture[str]):
    simulate("sim", ASKED)
    assert "simulated: " in capsys.readouterr().out
    first = raw(world.raw)
    simulate("sim", ASKED)
    assert "already there: " in capsys.readouterr().out
    assert raw(world.raw) == first
    assert {k: v for k, v in first.items() if k != RECORD} == contents(small(days=3))


def test_a_run_that_was_killed_goes_on_to_the_same_files(world: World, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", _fails_at(f"articles/market=sim/date={FIRST + timedelta(days=1)}/"))
        with pytest.raises(StorageError, match="pulled"):
            simulate("sim", ASKED)
    stamps = {file: file.stat().st_mtime_ns for file in world.raw.rglob("*.parquet")}
    simulate("sim", ASKED)
    assert {k: v for k, v in raw(world.raw).items() if k != RECORD} == contents(small(days=3))
    of_the_first_day = [file for file in stamps if f"date={FIRST}" in str(file)]
    assert len(of_the_first_day) == 2
    assert all(file.stat().st_mtime_ns == stamps[file] for file in of_the_first_day)


def test_a_file_that_was_lost_is_made_again(world: World):
    simulate("sim", ASKED)
    before = raw(world.raw)
    (world.raw / f"articles/market=sim/date={FIRST}/articles.parquet").unlink()
    simulate("sim", ASKED)
    assert raw(world.raw) == before


def test_other_arguments_are_refused_by_name_until_they_are_meant(world: World):
    simulate("sim", ASKED)
    before = raw(world.raw)
    with pytest.raises(ConfigError, match=r"with days 3, seed 1, not days 2, seed 4; --redo"):
        simulate("sim", ASKED | {"seed": 4, "days": 2})
    assert raw(world.raw) == before
    simulate("sim", ASKED | {"seed": 4, "days": 2}, redo=True)
    assert {k: v for k, v in raw(world.raw).items() if k != RECORD} == contents(small(days=2, seed=4))


@pytest.mark.parametrize("redo", [False, True])
def test_somebodys_data_is_left_alone(world: World, redo: bool):
    theirs = world.raw / f"web_interactions/market=sim/date={FIRST}/part-000.parquet"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with pytest.raises(ConfigError, match="holds 1 files that no simulation made"):
        simulate("sim", ASKED, redo)
    assert raw(world.raw) == {str(theirs.relative_to(world.raw)): b"theirs"}


def test_an_impossible_shop_is_refused_in_a_sentence(world: World):
    with pytest.raises(ConfigError, match=r"hm simulate: 1 wrong.*600 users who come once a day at most"):
        simulate("sim", ASKED | {"interactions": 10**6})
    with pytest.raises(ConfigError, match="markets known: "):
        simulate("Atlantis", ASKED)


def test_the_best_possible_hit_ratio_is_told_for_both_targets(
    world: World, capsys: pytest.CaptureFixture[str]
):
    tell_best(small(days=3), 200)
    said = capsys.readouterr().out
    assert "best HR@200 of each user's first click of 2021-05-03: 1.0000" in said
    assert "best HR@200 of each user's last click of 2021-05-03: 1.0000" in said


def test_a_bucket_gets_the_same_files(tmp_path: Path, s3_root: str):
    bucket = World(tmp_path, f"{s3_root}/simulating")
    shutil.copytree(DEPLOY.parent, tmp_path / "config")
    with bucket.entered():
        simulate("sim", ASKED)
        simulate("sim", ASKED | {"days": 2}, redo=True)
    found = raw(f"{s3_root}/simulating/raw")
    assert {k: v for k, v in found.items() if k != RECORD} == contents(small(days=2))


def _fails_at(folder_key: str) -> Any:
    """A disk that is pulled when it comes to this key."""
    write = Folder.write

    def failing(folder: Folder, key: str, data: bytes) -> None:
        if key.startswith(folder_key):
            raise StorageError("the disk was pulled")
        write(folder, key, data)

    return failing
