"""Several processes train what one would, but for what dropout draws: the same losses, weights, decisions."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples
from safetensors.numpy import load_file

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.fitting import FitContext, FitReport
from hm_pipeline.models.sequencer import fit_sequencer
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.training.batches import BatchPlan
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax, TrainingConfig
from hm_pipeline.training.windows import Windows

SCRIPT = Path(__file__).with_name("rank_run.py")


def config_of(
    loss: LossConfig, batch_targets: int = 96, max_epochs: float = 2, **changes: object
) -> GruConfig:
    """A look after every step: each step's loss and hit rate stand in the report."""
    sizes = {"user_embedding": 4, "item_embedding": 8, "layers": 1, "hidden": 8, "state_dim": 8}
    training = TrainingConfig(
        batch_targets=batch_targets, max_lr=1e-2, cycle_epochs=2, max_epochs=max_epochs, loss=loss,
        validations_per_epoch=1000, clip_norm=0.5,
    )  # fmt: skip
    return GruConfig(**({**sizes, "training": training} | changes))  # type: ignore[arg-type]


CONFIGS = {
    "full softmax": config_of(FullSoftmax()),
    "sampled softmax": config_of(SampledSoftmax(negatives=16)),
    "tied, no users": config_of(SampledSoftmax(negatives=16), tied=True, user_embedding="none"),
    "two members": config_of(SampledSoftmax(negatives=16), members=2),
    "a window a batch": config_of(SampledSoftmax(negatives=16), batch_targets=1, max_epochs=0.5),
}
FITTED = CONFIGS | {"with dropout": config_of(FullSoftmax(), embedding_dropout=0.5, query_dropout=0.5)}


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=40, items=30, seed=5)


def prepared(out: Path, config: GruConfig, samples: Samples) -> Path:
    out.mkdir()
    samples.save(out / "samples")
    (out / "config.json").write_text(config.model_dump_json())
    return out


def started(ranks: int, outs: list[Path]) -> list["subprocess.Popen[str]"]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), str(ranks), port, *map(str, outs)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]


def run(ranks: int, *outs: Path) -> None:
    processes = started(ranks, list(outs))
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * ranks, "\n".join(errors)


def report(out: Path, rank: int) -> FitReport:
    return FitReport.model_validate_json((out / f"report-{rank}.json").read_bytes())


def weights(out: Path, rank: int) -> dict[str, np.ndarray]:
    rows = out / f"model-{rank}" / "user_rows.npy"
    tensors = load_file(out / f"model-{rank}" / "weights.safetensors")
    return tensors | ({"users": np.load(rows)} if rows.exists() else {})


@pytest.fixture(scope="module")
def fitted(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every configuration, fitted by two ranks."""
    place = tmp_path_factory.mktemp("two")
    outs = {name: prepared(place / name, config, samples) for name, config in FITTED.items()}
    run(2, *outs.values())
    return outs


@pytest.mark.parametrize("name", CONFIGS)
def test_two_ranks_train_what_one_process_trains(
    fitted: dict[str, Path], samples: Samples, tmp_path: Path, name: str
) -> None:
    alone = fit_sequencer(CONFIGS[name], samples, FitContext(k=3))
    alone.model.save(tmp_path / "model-0")
    ours, theirs = report(fitted[name], 0), alone.report
    assert len(theirs.epochs) > 5
    np.testing.assert_allclose([e.loss for e in ours.epochs], [e.loss for e in theirs.epochs], rtol=1e-4)
    assert [e.validation_hr for e in ours.epochs] == [e.validation_hr for e in theirs.epochs]
    assert (ours.stopped, ours.chosen_step) == (theirs.stopped, theirs.chosen_step)
    for tensor, expected in weights(tmp_path, 0).items():
        np.testing.assert_allclose(weights(fitted[name], 0)[tensor], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", FITTED)
def test_all_ranks_end_with_the_same_bytes(fitted: dict[str, Path], name: str) -> None:
    assert report(fitted[name], 0) == report(fitted[name], 1)
    for tensor, first in weights(fitted[name], 0).items():
        np.testing.assert_array_equal(first, weights(fitted[name], 1)[tensor])


def test_only_the_first_rank_tells_and_keeps(fitted: dict[str, Path]) -> None:
    out = fitted["full softmax"]
    steps = report(out, 0).epochs[-1].step
    assert ((out / "steps-0").read_text(), (out / "steps-1").read_text()) == (str(steps), "0")
    assert (out / "ck" / "pointer.json").exists()


def test_ranks_that_were_killed_resume_to_the_same_bytes(
    fitted: dict[str, Path], samples: Samples, tmp_path: Path
) -> None:
    out = prepared(tmp_path / "run", CONFIGS["sampled softmax"], samples)
    (out / "die-at").write_text("4")
    ranks = started(2, [out])
    assert ranks[0].wait(300) == -signal.SIGKILL
    for rank in ranks:
        rank.kill()
        rank.communicate()
    (out / "die-at").unlink()
    run(2, out)
    whole = fitted["sampled softmax"]
    assert report(out, 0) == report(whole, 0)
    assert int((out / "steps-0").read_text()) < int((whole / "steps-0").read_text()), "it began anew"
    for tensor, expected in weights(whole, 0).items():
        np.testing.assert_array_equal(weights(out, 0)[tensor], expected)


def test_a_batch_is_shared_out_whole() -> None:
    windows = Windows.one_pass(Histories.of([[1, 2, 3, 4]] * 50, users=list(range(1, 51))), 20)
    whole = BatchPlan(windows, 9, 40, 0.3, seed=1)
    shares = [BatchPlan(windows, 9, 40, 0.3, seed=1, rank=rank, ranks=3) for rank in range(3)]
    for number, chosen in enumerate(whole.epoch(0)):
        everything = whole.gather(chosen, 0, number)
        parts = [share.gather(chosen, 0, number) for share in shares]
        users = [user for part in parts for user in part.users.tolist()]
        assert sorted(users) == sorted(everything.users.tolist())
        assert sum(len(part.targets) for part in parts) == len(everything.targets) == parts[0].all_targets
        assert sum(part.weight for part in parts) == pytest.approx(3)


def test_a_rank_without_windows_counts_nothing() -> None:
    windows = Windows.one_pass(Histories.of([[1, 2], [3, 4]]), 20)
    (chosen,) = BatchPlan(windows, 9, 40, 0.0, seed=1).epoch(0)
    idle = BatchPlan(windows, 9, 40, 0.0, seed=1, rank=2, ranks=3).gather(chosen, 0, 0)
    assert (idle.weight, len(idle.users), idle.all_targets) == (0.0, 1, 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="NCCL joins GPUs, and none is here")
def test_nccl_joins_one_gpu(samples: Samples, tmp_path: Path) -> None:
    out = prepared(tmp_path / "gpu", CONFIGS["sampled softmax"], samples)
    run(1, out)
    alone = fit_sequencer(CONFIGS["sampled softmax"], samples, FitContext(k=3)).report
    found = [epoch.loss for epoch in report(out, 0).epochs]
    np.testing.assert_allclose(found, [epoch.loss for epoch in alone.epochs], rtol=1e-2)
