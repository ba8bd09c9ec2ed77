"""What a night costs from one million interactions to a hundred, part by part.

    python benchmarks/scale.py                                  a million: some minutes
    python benchmarks/scale.py --sizes 1 10 100                 everything: hours of two cores, 40 GB of disk
    python benchmarks/scale.py --sizes 100 --stages extract samples metrics
    python benchmarks/scale.py --stages fit lists --models als lstm --users 1400000
    python benchmarks/scale.py --table --json benchmarks/scale.jsonl    of the committed figures

The shop is simulated (docs/simulation.md), with 14,000 users and 1,050 articles a million interactions: at
a hundred, H&M's 1.4 million and 105,000. Each part runs in a process of its own, one after the other, and
leaves what the next one needs below --work; what was measured is not measured again (--again does). Models
have the profile `study`. Nets train for a minute and tell their pace; lists are those of 50,000 users. What
was done in part only is extrapolated, and marked so.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from display import say
from scale_records import Journal, Stage
from scale_tables import tables

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "hm-data" / "benchmarks"
STAGES = ("extract", "samples", "metrics", "fit", "lists")
MODELS = (
    "popularity", "repeat", "markov", "itemknn", "als", "aals",
    "rnn", "lstm", "gru", "attention", "transformer",
)  # fmt: skip
MILLION = {"users": 14_000, "items": 1_050, "interactions": 1_000_000}


def main() -> None:
    """Measure what is not known, then print all that is."""
    asked = _arguments()
    journal = Journal(asked.json)
    if not asked.table:
        for size in asked.sizes:
            folder = asked.work / f"{size}m"
            simulate(folder, size)
            for name in _names(asked):
                if asked.again or (name, size) not in journal.stages():
                    measure(folder, size, name, asked, journal)
    print(tables(journal))


def simulate(folder: Path, size: int) -> None:
    """The shop, unless it is there."""
    command = ["-m", "flows.cli", "simulate", "--market", "sim", "--first", "2021-05-01", "--days", "30"]
    dials = [part for name, each in MILLION.items() for part in (f"--{name}", str(each * size))]
    environment = os.environ | {"HM_RAW": str(folder / "raw"), "HM_ROOT": str(folder)}
    subprocess.run([sys.executable, *command, *dials], check=True, env=environment, cwd=HERE.parent)


def measure(folder: Path, size: int, name: str, asked: argparse.Namespace, journal: Journal) -> None:
    """One stage in a process of its own; a stage that fails ends everything."""
    stage, _, model = name.partition(" ")
    command = [sys.executable, str(HERE / "scale_stages.py"), str(folder), stage, "--users", str(asked.users)]
    command += ["--seconds", str(asked.seconds), *(["--model", model] if model else [])]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    *_, last = [line for line in process.stdout if line.strip()] or [""]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} at {size} M failed: {last}")
    found = Stage(
        size=size,
        name=name,
        **json.loads(last),
        process_seconds=time.perf_counter() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
    )
    journal.add(found)
    say(f"{size} M  {name}  {found.seconds:,.1f} s  {found.peak_mib:,.0f} MiB  {found.facts}")


def _names(asked: argparse.Namespace) -> Iterator[str]:
    for stage in STAGES:
        if stage in asked.stages:
            yield from (
                [f"{stage} {model}" for model in asked.models] if stage in ("fit", "lists") else [stage]
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[1], help="millions of interactions")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--users", type=int, default=50_000, help="to answer (default: 50,000)")
    parser.add_argument("--seconds", type=float, default=60, help="of a net's training (default: 60)")
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument("--work", type=Path, default=WORK / "scale", metavar="DIR")
    parser.add_argument("--json", type=Path, default=WORK / "scale.jsonl", metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
