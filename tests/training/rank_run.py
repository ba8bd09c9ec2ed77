"""One rank of a fit: `python rank_run.py RANK RANKS PORT OUT...`, as torchrun would start it.

Each OUT holds `samples` and `config.json`, and gets the rank's `report-N.json` and `model-N`. Where it holds
`die-at`, the first rank kills itself when it tells its step of that number.
"""

import os
import signal
import sys
from pathlib import Path

import torch

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.sequencer import fit_sequencer
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.progress import Step
from hm_pipeline.training import clock
from hm_pipeline.training.ranks import joined


def main(rank: int, ranks: int, port: str, outs: list[Path]) -> None:
    """Fit each in turn."""
    torch.set_num_threads(1)
    clock.SAVE_SECONDS = 0.0  # after every step: all ranks have to agree
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "RANK": str(rank),
        "WORLD_SIZE": str(ranks),
    }
    with joined():
        for out in outs:
            fit_one(out, rank)


def fit_one(out: Path, rank: int) -> None:
    """The fit of one folder."""
    steps, die_at = 0, int((out / "die-at").read_text()) if (out / "die-at").exists() else None

    def tell(_step: Step) -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    config = GruConfig.model_validate_json((out / "config.json").read_bytes())
    context = FitContext(k=3, progress=tell, checkpoints=out / "ck")
    fitted = fit_sequencer(config, Samples.load(out / "samples"), context)
    fitted.model.save(out / f"model-{rank}")
    (out / f"report-{rank}.json").write_text(fitted.report.model_dump_json())
    (out / f"steps-{rank}").write_text(str(steps))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], [Path(out) for out in sys.argv[4:]])
