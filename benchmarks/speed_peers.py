"""Other people's libraries in environments of their own, made once from peers/*.txt.

    hm-data/benchmarks/peers/recbole/      a virtual environment
    hm-data/benchmarks/peers/histories/    the training histories as they want them

Each peer trains by its own trainer, loader and optimiser; peers/*.py only hang the gate between its steps.
It gets the torch that we have: where pip's own index would serve the CUDA build, TORCH_INDEX names another.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

import polars as pl
import torch
from display import say
from speed_rows import Peer

from hm_pipeline.data.samples import Samples

HERE = Path(__file__).resolve().parent / "peers"
SCRIPTS: dict[Peer, str] = {"recbole": "recbole_gru4rec.py", "rectools": "rectools_sasrec.py"}


def command(peer: Peer, samples: Samples, work: Path) -> list[str]:
    """What starts it; its environment is made if it is not there."""
    python = _environment(peer, work)
    return [str(python), str(HERE / SCRIPTS[peer]), str(_histories(samples, work))]


def _environment(peer: Peer, work: Path) -> Path:
    """The interpreter of an environment that has what its requirements file says."""
    folder, wanted = work / peer, HERE / f"{peer}.txt"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        say(f"{peer}  making {folder}: minutes, once")
        venv.create(folder, with_pip=True, clear=True)
        index = os.environ.get("TORCH_INDEX")
        _pip(
            python, [f"torch=={torch.__version__.split('+')[0]}", *(["--index-url", index] if index else [])]
        )
        _pip(python, ["-r", str(wanted)])
        installed.write_text(wanted.read_text())
    return python


def _pip(python: Path, arguments: list[str]) -> None:
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *arguments], check=True)


def _histories(samples: Samples, work: Path) -> Path:
    """user, item, time as text: RecBole's atomic file, which RecTools' script reads too."""
    file = work / "histories" / "histories.inter"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows, items = samples.train.interactions()
    frame = pl.DataFrame({"user_id:token": rows, "item_id:token": items, "timestamp:float": range(len(rows))})
    new = file.with_suffix(".new")
    frame.write_csv(new, separator="\t")
    new.replace(file)
    return file
