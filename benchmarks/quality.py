"""Every model on three public logs under protocol A: HR@14 and what goes with it, with standard errors.

    python benchmarks/quality.py                                 everything: hours on two cores
    python benchmarks/quality.py --log eshop --models markov als
    python benchmarks/quality.py --memory                        what earlier fits held, from a part of each
    python benchmarks/quality.py --table                         markdown of what was measured
    python benchmarks/quality.py --table --json benchmarks/quality.jsonl       of the committed figures

Sizes are chosen on validation from the grids in grids.py, and the test is read once, by what was chosen.
Each figure is a line in the results file as soon as it is known: a killed run continues where it was, a
neural net at its last checkpoint.
"""

import argparse
import os
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

from display import say
from grids import Model, asked
from logs import BEAUTY, ENVIRONMENT, ESHOP, YOOCHOOSE, Source, data_root, why_not
from records import Journal
from tables import grids_table, pairs_table, results_table, summary_table

WORK = Path(__file__).resolve().parents[1] / "hm-data" / "benchmarks"
SHORT = {"eshop": ESHOP, "yoochoose": YOOCHOOSE, "beauty": BEAUTY}


def main() -> None:
    """Run what is asked for, or print what is known."""
    asked_for = _arguments()
    journal = Journal(asked_for.json)
    sources = [SHORT[name] for name in asked_for.log]
    if not asked_for.table:
        for source in sources:
            (probe if asked_for.memory else measure)(source, asked_for.models, journal, asked_for)
    print(summary_table({source.name: journal.results(source.name) for source in sources}))
    for source in sources:
        print_tables(source, journal)


def measure(source: Source, models: list[Model], journal: Journal, asked_for: argparse.Namespace) -> None:
    """All the models on one log; a log that is not there is skipped with the reason."""
    root = data_root(asked_for.data)
    missing = why_not(source, root)
    if missing:
        say(f"{source.name}  skipped: {missing}")
        return
    from runs import Bench

    bench = Bench.open(source, root, journal, asked_for.work, asked_for.max_minutes)
    for model in models:
        if not asked(source, model):
            continue
        if asked_for.validate:
            bench.tried(model)
        else:
            hr = bench.result(model).metrics["hr"]
            say(f"{source.name}  {model}  TEST hr {hr.mean:.4f} ±{hr.se:.4f}")
    if not asked_for.validate:
        bench.pair_all()


def probe(source: Source, models: list[Model], journal: Journal, asked_for: argparse.Namespace) -> None:
    """Some steps of each fit whose memory is not known, each in a process of its own."""
    root = data_root(asked_for.data)
    if why_not(source, root):
        return
    import runs

    bench = runs.Bench.open(source, root, journal, asked_for.work, None)
    for model in bench.unwatched():
        if model in models:
            child = get_context("spawn").Process(
                target=runs.probe, args=(source, root, journal.file, asked_for.work, model)
            )
            child.start()
            child.join()


def print_tables(source: Source, journal: Journal) -> None:
    """Markdown on standard output."""
    results = journal.results(source.name)
    if not results:
        say(f"{source.name}  no result in {journal.file}")
    else:
        print(f"\n### {source.name}\n")
        print(results_table(results, journal))
        print(pairs_table(results, journal.pairs(source.name)))
        print(grids_table(source.name, results, journal))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log", nargs="+", choices=list(SHORT), default=list(SHORT), help="which logs")
    parser.add_argument("--models", nargs="+", choices=get_args(Model), default=get_args(Model))
    parser.add_argument(
        "--json",
        type=Path,
        default=WORK / "quality.jsonl",
        metavar="FILE",
        help="results, one JSON line each (default: hm-data/benchmarks/quality.jsonl)",
    )
    parser.add_argument("--validate", action="store_true", help="only try the grids: the test stays unread")
    parser.add_argument("--memory", action="store_true", help="only some steps of fits of unknown memory")
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument(
        "--data", type=Path, help=f"folder of the logs (default: ${ENVIRONMENT}, else ../shared/data)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=WORK,
        help="checkpoints and fitted models (default: hm-data/benchmarks)",
    )
    parser.add_argument(
        "--max-minutes",
        type=float,
        help="of one fit; a net past it keeps its best checkpoint",
    )
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
    main()
