"""Who looks up the best 14 items fastest: recall against users a second, on vectors of fitted models.

    python benchmarks/search.py                               everything: about half an hour of two cores
    python benchmarks/search.py --catalogues "als journey 36k" --contenders "exact, ours" implicit
    python benchmarks/search.py --raw sim-raw --catalogues "als sim"     105,000 items of a simulated shop
    python benchmarks/search.py --table --json benchmarks/search.jsonl   of the committed figures

Vectors are fitted once and kept in hm-data/benchmarks/search. Then each contender has a process of its own
on two threads. It builds its index, and is asked for everybody's lists at one setting after the other, each
wider than the last, until its recall is .98. In turns with each setting the same process takes the bare
product of the same queries and vectors, so that what else the machine does falls on both; figures are wall
clock, the best of four rounds, and ratios are those to the product.

hnswlib, usearch and voyager are not part of the project; one that is not installed is left out.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from display import say
from logs import data_root
from memory import watched
from search_catalogues import CATALOGUES, vectors
from search_contenders import K, contenders
from search_records import Journal, Reading
from search_tables import tables

if TYPE_CHECKING:
    import numpy as np

WORK = Path(__file__).resolve().parents[1] / "hm-data" / "benchmarks"
ENOUGH = 0.98
CHECKED = 1_000  # users whose recall is looked at, the first
EXAMPLES = 1_000  # users an index may learn from, others
THREADS = 2
ROUNDS = 4  # of everybody's lists and everybody's product, in turns
PATIENCE = 2.0  # seconds; slower answers are timed twice, of fewer users
BLOCK = 192  # rows of a product


def main() -> None:
    """Measure what is asked for and not known, then print all that is known."""
    asked_for = _arguments()
    journal = Journal(asked_for.json)
    if asked_for.inside:
        measure(asked_for, journal)
        return
    if not asked_for.table:
        known = journal.newest()
        for catalogue in asked_for.catalogues:
            file = vectors(catalogue, data_root(asked_for.data), asked_for.raw, WORK / "search")
            for contender in () if asked_for.fit else asked_for.contenders:
                if (catalogue, contender) not in known:
                    in_a_process(catalogue, contender, file, asked_for.json)
    print(tables(journal))


def in_a_process(catalogue: str, contender: str, file: Path, out: Path) -> None:
    """A fresh one, so that nobody's threads or caches are another's."""
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    command = [sys.executable, __file__, "--inside", str(file), "--json", str(out)]
    command += ["--catalogues", catalogue, "--contenders", contender]
    ended = subprocess.run(command, env=os.environ | threads, check=False)
    if ended.returncode:
        say(f"{catalogue}  {contender}  left out: it ended with {ended.returncode}")


def measure(asked_for: argparse.Namespace, journal: Journal) -> None:
    """One contender on one catalogue, at each setting until it finds enough."""
    import numpy as np

    (catalogue,), (contender,) = asked_for.catalogues, asked_for.contenders
    with np.load(asked_for.inside) as arrays:
        items, queries = (np.ascontiguousarray(arrays[name]) for name in ("items", "queries"))
    truth = exact(items, queries[:CHECKED])
    run, began, readings = time.strftime("%Y-%m-%dT%H:%M:%S"), time.perf_counter(), []
    with watched() as peak:
        settings = contenders()[contender](items, queries[CHECKED : CHECKED + EXAMPLES], THREADS)
        for setting, answer in settings:
            built = time.perf_counter() - began
            found = recall(answer(queries[:CHECKED]), truth)
            ours, bare = timed(answer, items, queries)
            reading = Reading(
                run=run,
                catalogue=catalogue,
                items=len(items) - 1,
                width=items.shape[1],
                contender=contender,
                setting=setting,
                recall=found,
                users=ours.users,
                seconds=ours.wall,
                product_seconds=bare.wall,
                cpu=ours.cpu,
                product_cpu=bare.cpu,
                build_seconds=built,
                peak_mib=0.0,
                threads=THREADS,
            )
            say(
                f"{catalogue}  {contender} {setting}  recall {found:.4f}  "
                f"{ours.users / ours.wall:,.0f} users/s, {reading.of_product:.2f} of the product "
                f"({bare.cpu / ours.cpu:.2f} by CPU)"
            )
            readings.append(reading)
            if found >= ENOUGH:
                break
            began = time.perf_counter() - built
    for reading in readings:
        journal.add(reading.model_copy(update={"peak_mib": peak.mib}))


def exact(items: "np.ndarray", queries: "np.ndarray") -> "np.ndarray":
    """(N, K) by sorting whole rows."""
    import numpy as np

    blocks = (queries[at : at + BLOCK] @ items[1:].T for at in range(0, len(queries), BLOCK))
    return np.concatenate([np.argsort(-scores, axis=1, kind="stable")[:, :K] + 1 for scores in blocks])


def recall(found: "np.ndarray", truth: "np.ndarray") -> float:
    """Mean share of the exact lists."""
    return float((found[:, :, None] == truth[:, None, :]).sum() / truth.size)


@dataclass(frozen=True)
class Spent:
    """The least of the rounds."""

    users: int
    wall: float  # seconds
    cpu: float  # seconds of all threads


def timed(
    answer: Callable[["np.ndarray"], object], items: "np.ndarray", queries: "np.ndarray"
) -> tuple[Spent, Spent]:
    """Of all users' lists and of their bare product, in turns."""
    slow = clock(lambda: answer(queries[:CHECKED]))[0] * len(queries) / CHECKED > PATIENCE
    some, rounds = (queries[:CHECKED], 2) if slow else (queries, ROUNDS)
    turns = [(clock(lambda: answer(some)), clock(lambda: product(items, some))) for _ in range(rounds)]
    return least(len(some), [ours for ours, _ in turns]), least(len(some), [bare for _, bare in turns])


def least(users: int, rounds: list[tuple[float, float]]) -> Spent:
    """Of wall and CPU seconds, each by itself."""
    return Spent(users, min(wall for wall, _ in rounds), min(cpu for _, cpu in rounds))


def product(items: "np.ndarray", queries: "np.ndarray") -> None:
    """All scores, written over each other, a block a thread: what BLAS's own threads are not faster than."""
    import numpy as np

    from hm_pipeline.index.threads import over_blocks

    rooms = threading.local()

    def scores(block: slice) -> None:
        if not hasattr(rooms, "own"):
            rooms.own = np.empty((BLOCK, len(items)), np.float32)
        np.matmul(queries[block], items.T, out=rooms.own[: block.stop - block.start])

    over_blocks(len(queries), BLOCK, scores)


def clock(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall, and of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    few = [catalogue for catalogue in CATALOGUES if catalogue != "als sim"]
    parser.add_argument("--catalogues", nargs="+", default=few, help=f"of {', '.join(CATALOGUES)}")
    parser.add_argument("--contenders", nargs="+", default=list(contenders()), help="all by default")
    parser.add_argument("--data", type=Path, help="the folder of the public logs (benchmarks/logs.py)")
    parser.add_argument("--raw", type=Path, help="a folder that `hm simulate` wrote, for `als sim`")
    parser.add_argument("--fit", action="store_true", help="only the vectors")
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--json",
        type=Path,
        default=WORK / "search.jsonl",
        metavar="FILE",
        help="readings, one JSON line each (default: hm-data/benchmarks/search.jsonl)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
