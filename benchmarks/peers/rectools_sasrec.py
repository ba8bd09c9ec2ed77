"""RecTools' SASRec at its own default width, trained by its own Lightning trainer.

    python rectools_sasrec.py FOLDER/histories.inter

Its unit is a session with a target at each position but the first item's. Blocks, heads, factors, dropout,
optimiser and loss (softmax over all items) are RecTools' defaults; a session has at most 20 positions, and
a batch as many sessions as make 2,048 targets on average.
"""

import sys
from pathlib import Path

import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from speed_gate import Gate

HISTORY, BATCH_TARGETS = 20, 2048


class Stand(Callback):
    """Between two steps."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def __deepcopy__(self, _):  # type: ignore[no-untyped-def]
        """RecTools fits by a copy of its trainer; there is one gate."""
        return self

    def on_train_batch_end(self, trainer, model, outputs, batch, batch_idx):  # type: ignore[no-untyped-def]
        """The optimiser has moved; the softmax met every position, padding too."""
        x, y = batch["x"], batch["y"]
        targets, positions = int((y != 0).sum()), int((x != 0).sum())
        self.gate.step(targets=targets, positions=positions, cells=x.numel(), scored=y.numel())


def main() -> None:
    """Train for ever."""
    gate = Gate(torch.set_num_threads)
    frame = histories(Path(sys.argv[1]))
    model = SASRecModel(
        n_blocks=2,
        n_heads=4,
        n_factors=256,
        session_max_len=HISTORY,
        loss="softmax",
        batch_size=sessions(frame),
        get_trainer_func=lambda: trainer(gate),
    )
    model.fit(Dataset.construct(frame))


def trainer(gate: Gate) -> Trainer:
    """RecTools' own settings, with a callback and no end."""
    return Trainer(
        max_epochs=1000,
        min_epochs=1000,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        enable_checkpointing=False,
        devices=1,
        accelerator="cpu",
        callbacks=[Stand(gate)],
    )


def histories(file: Path) -> pd.DataFrame:
    """RecTools' columns; the times are the order."""
    frame = pd.read_csv(file, sep="\t")
    frame.columns = [Columns.User, Columns.Item, Columns.Datetime]
    frame[Columns.Datetime] = pd.to_datetime(frame[Columns.Datetime], unit="s")
    return frame.assign(**{Columns.Weight: 1.0})


def sessions(frame: pd.DataFrame) -> int:
    """How many make a batch of BATCH_TARGETS."""
    lengths = frame[Columns.User].value_counts().clip(upper=HISTORY + 1)
    lengths = lengths[lengths >= 2]
    return round(BATCH_TARGETS / (lengths - 1).mean())


if __name__ == "__main__":
    main()
