"""What fitting ALS costs beside `implicit` alone, on real logs, two threads.

    python benchmarks/search_fit.py                            some minutes
    python benchmarks/search_fit.py --logs beauty --rounds 1

Contenders take turns, each fit in a process of its own; a figure is the least of the rounds, in wall seconds,
from the samples to the factors, reading and importing left out.

    ours                 `trained_factors`: the counts made sparse, then implicit with BLAS at one thread
    implicit, BLAS 1     the same sparse counts given to implicit by hand, BLAS at one thread
    implicit             the same with BLAS as it comes, against which implicit warns
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from logs import data_root
from search_catalogues import samples_of

from hm_pipeline.markdown import table

CONTENDERS = ("ours", "implicit, BLAS 1", "implicit")
THREADS = 2


def main() -> None:
    """Turns, then a table."""
    asked = _arguments()
    if asked.inside:
        print(seconds(asked.inside, asked.logs[0], data_root(asked.data)))
        return
    rows = []
    for log in asked.logs:
        least = dict.fromkeys(CONTENDERS, float("inf"))
        for _ in range(asked.rounds):
            for contender in CONTENDERS:
                least[contender] = min(least[contender], apart(contender, log, asked.data))
        alone = least["implicit, BLAS 1"]
        rows.append((log, *(f"{least[c]:.1f}" for c in CONTENDERS), f"{least['ours'] / alone:.2f}"))
    print(table(("log", *(f"{c}, s" for c in CONTENDERS), "ours / implicit, BLAS 1"), rows))


def apart(contender: str, log: str, data: Path | None) -> float:
    """Seconds of one fit in a fresh process."""
    threads = {"OMP_NUM_THREADS": str(THREADS)}
    command = [sys.executable, __file__, "--inside", contender, "--logs", log]
    command += ["--data", str(data_root(data))]
    told = subprocess.run(command, env=os.environ | threads, check=True, capture_output=True, text=True)
    return float(told.stdout.split()[-1])


def seconds(contender: str, log: str, data: Path) -> float:
    """Of one fit here."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    from hm_pipeline.models.als_config import AlsConfig
    from hm_pipeline.models.factors import confidences, trained_factors
    from hm_pipeline.progress import silent

    config, samples = AlsConfig(), samples_of(log, data, None)
    began = time.perf_counter()
    if contender == "ours":
        trained_factors(config, samples, silent, "")
        return time.perf_counter() - began
    counts = confidences(config.alpha, samples)
    began = time.perf_counter()
    model = AlternatingLeastSquares(
        factors=config.factors, regularization=config.regularisation, alpha=1.0,
        iterations=config.iterations, random_state=config.seed,
    )  # fmt: skip
    with threadpool_limits(1 if contender.endswith("1") else None, user_api="blas"):
        model.fit(counts, show_progress=False)
    return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logs", nargs="+", default=["beauty", "electronics", "yoochoose", "journey"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="the folder of the public logs (benchmarks/logs.py)")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
