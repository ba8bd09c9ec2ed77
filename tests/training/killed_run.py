"""A training run in a process of its own that kills itself: `python killed_run.py OUT POINT`.

POINT is `never`, `mid-epoch`, `mid-write` (the new checkpoint is half written), `before-pointer` (whole,
but nothing points to it) or `after-pointer` (before the old one is swept). OUT/reached is written just before.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from markov_shoppers import markov_samples

from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.sequencer import fit_sequencer
from hm_pipeline.models.sequencer_config import LstmConfig
from hm_pipeline.progress import Step
from hm_pipeline.training import checkpoint
from hm_pipeline.training.config import SampledSoftmax, TrainingConfig

CONFIG = LstmConfig(
    user_embedding=4,
    item_embedding=8,
    layers=2,
    hidden=16,
    state_dim=8,
    layer_dropout=0.1,
    training=TrainingConfig(
        batch_targets=128,
        max_lr=1e-2,
        cycle_epochs=3,
        max_epochs=4,
        loss=SampledSoftmax(negatives=16),
        checkpoint_every_steps=5,
    ),
)
KILL_AT_STEP = 17  # between two checkpoints of the second epoch
KILL_AT_SAVE = 4


def main(out: Path, point: str) -> None:
    """Train, or die trying."""
    torch.set_num_threads(1)

    def die() -> None:
        (out / "reached").write_text(point)
        os.kill(os.getpid(), signal.SIGKILL)

    steps = 0

    def progress(step: Step) -> None:
        nonlocal steps
        steps += 1
        if point == "mid-epoch" and steps == KILL_AT_STEP:
            die()

    arm(point, die)
    fitted = fit_sequencer(
        CONFIG, markov_samples(seed=5), FitContext(checkpoints=out / "ck", progress=progress, k=3)
    )
    fitted.model.save(out / "model")
    (out / "report.json").write_text(fitted.report.model_dump_json())
    (out / "steps").write_text(str(steps))


def arm(point: str, die: Callable[[], None]) -> None:
    """Put a death into the n-th save."""
    if point == "mid-write":
        checkpoint.save_file = nth(
            checkpoint.save_file, die, before=lambda _, file: file.write_bytes(b"half")
        )  # type: ignore[assignment]
    if point == "before-pointer":
        checkpoint._write_whole = nth(checkpoint._write_whole, die)
    if point == "after-pointer":
        checkpoint.Checkpoints._sweep = nth(checkpoint.Checkpoints._sweep, die)  # type: ignore[method-assign]


def nth(function: Any, die: Callable[[], None], before: Callable[..., object] = lambda *_: None) -> Any:
    """`function`, but its n-th call is the last thing that happens."""
    calls = 0

    def wrapped(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == KILL_AT_SAVE:
            before(*args)
            die()
        return function(*args)

    return wrapped


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
