"""A training's checkpoints, copied to the bucket: another machine goes on where a lost one was."""

import json
from pathlib import Path

import pytest
from embedded import World

from tasks.checkpoints import POINTER, Mirror
from tasks.settings import settings

NAME = Path("train-lstm/a1b2/c3d4")


@pytest.fixture
def bucket_world(tmp_path: Path, s3_root: str) -> World:
    return World(tmp_path / "one", f"{s3_root}/{tmp_path.name}")


def mirror(pause: float = 0.0) -> Mirror:
    made = Mirror.of("tiny", "2021-06-09", NAME)
    made.pause = pause
    return made


def checkpoint(folder: Path, last: int, best: int | None = None) -> None:
    """What hm_pipeline.training.checkpoint leaves: old steps swept, the pointer last."""
    for step in folder.glob("step-*"):
        if step.name not in (f"step-{last}", f"step-{best}"):
            (step / "tensors.safetensors").unlink()
            step.rmdir()
    (folder / f"step-{last}").mkdir(parents=True, exist_ok=True)
    (folder / f"step-{last}" / "tensors.safetensors").write_bytes(b"%d" % last)
    named = {
        "last": f"step-{last}",
        "best": None if best is None else f"step-{best}",
        "state": {"step": last},
    }
    (folder / POINTER).write_text(json.dumps(named))


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_another_machine_finds_the_last_and_the_best(bucket_world: World, tmp_path: Path) -> None:
    with bucket_world.entered():
        here = mirror()
        for last, best in ((1, None), (2, 1), (3, 1)):
            checkpoint(here.folder, last, best)
            here.keep()
        expected = files(here.folder)
        assert len(settings().storage.keys("tiny")) == 3, "the pointer and two steps: the other one is gone"
    other = World(tmp_path / "two", bucket_world.bucket)
    with other.entered():
        there = mirror()
        there.fetch()
        assert files(there.folder) == expected
        checkpoint(there.folder, 4)
        there.fetch()
        assert files(there.folder) != expected, "what lies here is newer"
        checkpoint(there.folder, 2)
        there.fetch()
        assert json.loads((there.folder / POINTER).read_text())["last"] == "step-3", "the copy is newer"
        there.drop()
        assert not there.folder.exists()
        assert settings().storage.keys("tiny") == []


def test_half_a_copy_is_none(bucket_world: World) -> None:
    with bucket_world.entered():
        here = mirror()
        checkpoint(here.folder, 1)
        here.keep()
        settings().storage.delete(f"{here.key}/step-1/tensors.safetensors")
        elsewhere = Mirror(here.folder.parent / "other", here.key)
        elsewhere.fetch()
        assert not (elsewhere.folder / POINTER).exists()


def test_copies_leave_time_to_train_between_them(bucket_world: World) -> None:
    with bucket_world.entered():
        here = mirror(pause=3600)
        checkpoint(here.folder, 1)
        here.keep()
        checkpoint(here.folder, 2)
        here.keep()
        pointer = settings().storage.read(f"{here.key}/{POINTER}")
        assert json.loads(pointer)["last"] == "step-1"


def test_a_folder_as_root_gets_no_copy(world: World) -> None:
    here = mirror()
    checkpoint(here.folder, 1)
    here.keep()
    here.fetch()
    assert not settings().storage.keys("tiny")
    here.drop()
    assert not here.folder.exists()


def test_a_bucket_that_does_not_answer_costs_the_copy_only(
    bucket_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    silent = World(bucket_world.folder, "s3://nobody/home")
    with silent.entered():
        here = mirror()
        checkpoint(here.folder, 1)
        here.keep()
        here.drop()
