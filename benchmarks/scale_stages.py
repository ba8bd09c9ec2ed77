"""One part of a night at one size: what `scale.py` runs in a process of its own.

    python benchmarks/scale_stages.py FOLDER STAGE [--model KIND] [--users N] [--seconds S]

FOLDER has raw/ and what earlier stages left: log/, catalogue/, samples/, KIND/. The last line of the output
is what it took, as JSON.
"""

import argparse
import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from display import live
from scale_metrics import made_question
from scale_parts import Pace, extracted, peers_of

from hm_pipeline.config import load
from hm_pipeline.data.build import build
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.evaluate import evaluate
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.release import Release
from hm_pipeline.retrieval.answer import answer

CONFIG = load(Path(__file__).resolve().parents[1] / "deploy", "sim", "study")
LAST, DAY = date(2021, 5, 30), date(2021, 5, 31)
K = 14
Facts = dict[str, float]


def extract(folder: Path) -> Facts:
    """Raw files to the log of the window, saved."""
    log, catalogue, rows = extracted(folder / "raw", folder / "log", CONFIG.market, DAY)
    log.save(folder / "log")
    catalogue.save(folder / "catalogue")
    return {"rows": rows}


def samples(folder: Path) -> Facts:
    """The log to what models learn from and are asked, saved."""
    log, catalogue = InteractionLog.load(folder / "log"), Catalogue.load(folder / "catalogue")
    made = build(log, catalogue, CONFIG.samples, "next_day", LAST, place=folder / "samples")
    made.save(folder / "samples")
    return {"rows": made.targets, "users": len(made.users) - 1, "items": len(made.items) - 1}


def fitted(folder: Path, kind: str, seconds: float) -> Facts:
    """A model; a net as many seconds as asked, without validation."""
    config, known = CONFIG.models[kind], Samples.load(folder / "samples")
    pace = Pace(seconds)
    with live() as progress:
        context = FitContext(k=K, progress=pace.through(progress), should_stop=pace.is_over)
        found = fit(config, replace(known, holdouts={}), context)
    Release(config, found.model, known.items, known.users).save(folder / kind)
    return {"rows": known.targets, **pace.facts(), **found.report.facts}


def lists(folder: Path, kind: str, users: int) -> Facts:
    """The lists of so many users, spread over all of them."""
    known, release = Samples.load(folder / "samples"), Release.load(folder / kind)
    asked = peers_of(len(known.train), users)
    began = time.perf_counter()
    with live() as progress:
        found = answer(release, known.train.take(asked), known.items, known.users, K, progress=progress)
    return {"done": len(found), "all": len(known.train), "asking": time.perf_counter() - began}


def metrics(folder: Path) -> Facts:
    """Every metric at every level, of drawn lists for everybody."""
    known = Samples.load(folder / "samples")
    made, holdout = made_question(known, K)
    began = time.perf_counter()
    evaluate(made, holdout, known, K)
    return {"rows": len(made), "evaluating": time.perf_counter() - began}


def main() -> None:
    """One stage, timed without what is imported."""
    asked = _arguments()
    began = time.perf_counter()
    match asked.stage:
        case "extract":
            facts = extract(asked.folder)
        case "samples":
            facts = samples(asked.folder)
        case "fit":
            facts = fitted(asked.folder, asked.model, asked.seconds)
        case "lists":
            facts = lists(asked.folder, asked.model, asked.users)
        case _:
            facts = metrics(asked.folder)
    print(json.dumps({"seconds": time.perf_counter() - began, "facts": facts}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("stage", choices=["extract", "samples", "fit", "lists", "metrics"])
    parser.add_argument("--model", help="a kind of the profile `study`")
    parser.add_argument("--users", type=int, default=50_000, help="to answer (default: 50,000)")
    parser.add_argument("--seconds", type=float, default=60, help="of a net's training (default: 60)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
