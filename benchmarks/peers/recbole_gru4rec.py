"""RecBole's GRU4Rec at our width, trained by its own Trainer, the gate between its steps.

    python recbole_gru4rec.py FOLDER/histories.inter

Its unit is a prefix: a sample each, padded to the longest history. Everything that is not width, length or
batch is RecBole's default, dropout .3 and cross entropy over all items included. Nothing is held out (the
histories are training histories already), nothing is saved or evaluated.
"""

import sys
from pathlib import Path

import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import GRU4Rec
from recbole.trainer import Trainer
from speed_gate import Gate

HISTORY, BATCH = 20, 2048


def main() -> None:
    """Train for ever."""
    file = Path(sys.argv[1])
    gate = Gate(torch.set_num_threads)
    config = Config(model="GRU4Rec", dataset=file.stem, config_dict=settings(file))
    dataset = create_dataset(config)
    train, _, _ = data_preparation(config, dataset)
    model = GRU4Rec(config, train.dataset)
    trainer = Trainer(config, model)
    watch(trainer, model, gate)
    trainer.fit(train, saved=False, show_progress=False)


def settings(file: Path) -> dict[str, object]:
    """Width and length; all rows train."""
    return {
        "data_path": str(file.parent.parent),  # a data set is a folder of its name
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "MAX_ITEM_LIST_LENGTH": HISTORY,
        "embedding_size": 256,
        "hidden_size": 512,
        "num_layers": 3,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "train_batch_size": BATCH,
        "eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "order": "TO", "group_by": "user", "mode": "full"},
        "epochs": 1000,
        "eval_step": 0,
        "use_gpu": False,
        "state": "WARNING",
        "checkpoint_dir": str(file.parent / "saved"),
    }


def watch(trainer: Trainer, model: GRU4Rec, gate: Gate) -> None:
    """Count what enters the loss; stand at the gate when the optimiser has moved."""
    seen: list[torch.Tensor] = []
    loss, step = model.calculate_loss, trainer.optimizer.step

    def counted_loss(interaction):  # type: ignore[no-untyped-def]
        seen[:] = [interaction[model.ITEM_SEQ]]
        return loss(interaction)

    def counted_step(*args, **kwargs):  # type: ignore[no-untyped-def]
        step(*args, **kwargs)
        items = seen[0]
        gate.step(targets=len(items), positions=int((items != 0).sum()), cells=items.numel())

    model.calculate_loss, trainer.optimizer.step = counted_loss, counted_step


if __name__ == "__main__":
    main()
