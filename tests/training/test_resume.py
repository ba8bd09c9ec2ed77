"""A run killed at any moment ends with the same bytes as one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hm_pipeline.training.checkpoint import Checkpoints

SCRIPT = Path(__file__).with_name("killed_run.py")


def run(out: Path, point: str) -> int:
    out.mkdir(exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), str(out), point],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert finished.returncode in (0, -signal.SIGKILL), finished.stderr
    return finished.returncode


def results(out: Path) -> dict[str, bytes]:
    files = [*sorted((out / "model").iterdir()), out / "report.json"]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert run(out, "never") == 0
    return out


@pytest.mark.parametrize("point", ["mid-epoch", "mid-write", "before-pointer", "after-pointer"])
def test_a_killed_run_resumes_to_the_same_bytes(uninterrupted: Path, tmp_path: Path, point: str) -> None:
    out = tmp_path / "run"
    assert run(out, point) == -signal.SIGKILL
    assert (out / "reached").read_text() == point
    assert not (out / "model").exists()
    assert run(out, "never") == 0
    assert results(out) == results(uninterrupted)
    assert int((out / "steps").read_text()) < int((uninterrupted / "steps").read_text()), "it began anew"


def test_a_second_run_repeats_nothing_and_gives_the_same(uninterrupted: Path) -> None:
    before = results(uninterrupted)
    assert run(uninterrupted, "never") == 0
    assert (uninterrupted / "steps").read_text() == "0"
    assert results(uninterrupted) == before


def test_only_the_last_and_the_best_checkpoint_are_kept(uninterrupted: Path) -> None:
    kept = sorted(path.name for path in (uninterrupted / "ck").iterdir())
    assert kept[0] == "pointer.json"
    assert len(kept) in (2, 3)


def test_a_checkpoint_that_has_lost_its_best_weights_is_none(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "run", lambda: None)
    state, tensors = {"best": {"epoch": 1.0}}, {"net.w": torch.ones(1)}
    checkpoints.save(1, state, tensors, best=False)
    assert checkpoints.load() is None, "it would end with the last weights under the best one's figures"
    checkpoints.save(2, state, tensors, best=True)
    checkpoints.save(3, state, tensors, best=False)
    found = checkpoints.load()
    assert found is not None
    assert found.best is not None
