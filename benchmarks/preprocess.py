"""From raw parquet to samples: the library, DuckDB and pandas do the same work and must agree.

    python benchmarks/preprocess.py                                   1 and 10 million rows, everybody
    python benchmarks/preprocess.py --millions 100 --engines library duckdb
    python benchmarks/preprocess.py --table --json benchmarks/preprocess.jsonl      of the committed figures

The work: 30 daily partitions of a simulated shop, with string ids; the contract's rules for ids, events,
stamps and prices; exact repeats; bots; both vocabularies (items by descending count, then id); rows by user
and time without consecutive repetitions; one flat array with offsets; the first and the last arrival of the
last day. Each turn is a fresh process, whole, imports included, one after the other; each has two threads.

    library     extract (its log written to disk), samples (written too); besides, medians of prices and sales
    duckdb      the best SQL found: repeats and bots day by day, ids to integers, one sort, streaming windows;
                numpy makes the offsets; at most 8 GB, nothing is written but what it spills
    pandas      vectorised, day by day as far as that goes; nothing is written

The shop is made where it is not there: 14,000 users and 1,050 articles a million, docs/simulation.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from display import say
from preprocess_records import Engine, Journal, Turn
from preprocess_tables import tables

HERE = Path(__file__).resolve()
WORK = HERE.parents[1] / "hm-data" / "benchmarks"
FIRST, DAYS = "2021-05-01", 30


def main() -> None:
    """Take the turns that are asked for, then print all that is known."""
    asked_for = _arguments()
    if asked_for.inside:
        inside(*asked_for.inside)
        return
    journal = Journal(asked_for.json)
    if not asked_for.table:
        for millions in asked_for.millions:
            race(millions, asked_for.engines, asked_for.rounds, asked_for.raw, journal)
    print(tables(journal))


def race(millions: int, engines: list[Engine], rounds: int, raw: Path, journal: Journal) -> None:
    """Everybody in turn, so many rounds. SystemExit where two engines do not agree."""
    shop = simulated(millions, raw)
    run = f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {millions}"
    results = {}
    for number in range(rounds):
        for engine in engines:
            turn = taken(run, number, engine, millions, shop)
            journal.add(turn)
            results[engine] = turn.result
            say(
                f"{millions} M  {engine}  {turn.seconds:,.1f} s  {turn.cpu:,.1f} CPU s  {turn.mib:,.0f} MiB  "
                f"{turn.result}"
            )
    if len(set(results.values())) > 1:
        raise SystemExit(f"{millions} M: the results differ: {results}")


def taken(run: str, number: int, engine: Engine, millions: int, shop: Path) -> Turn:
    """One engine in a process of its own, from its start to its end."""
    with TemporaryDirectory(dir=shop) as place:
        command = [sys.executable, str(HERE), "--inside", engine, str(shop), place]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{engine} at {millions} M ended with status {status}")
    found = json.loads(said.splitlines()[-1])
    own = found.pop("checking")
    return Turn(
        run=run,
        number=number,
        engine=engine,
        millions=millions,
        seconds=seconds - own,
        cpu=used.ru_utime + used.ru_stime - own,
        mib=used.ru_maxrss / 2**10,
        **found,
    )


def inside(engine: str, shop: str, place: str) -> None:
    """Do the work, and say how long its parts took and what came out."""
    from importlib import import_module

    from preprocess_result import digest

    files = sorted((Path(shop) / "web_interactions" / "market=sim").glob("date=*"))
    result, parts = import_module(f"preprocess_{engine}").run(files, Path(place))
    began = time.perf_counter()
    said = {"rows": result.rows, "parts": parts, "result": digest(result)}
    print(json.dumps({**said, "checking": time.perf_counter() - began}))


def simulated(millions: int, raw: Path) -> Path:
    """A shop of about so many clicks."""
    shop = raw / f"{millions}m"
    if not (shop / "web_interactions").exists():
        counts = {"users": 14_000, "items": 1_050, "interactions": 1_000_000}
        sizes = [word for name, n in counts.items() for word in (f"--{name}", str(n * millions))]
        command = [sys.executable, "-m", "flows.cli", "simulate", "--market", "sim", "--first", FIRST]
        command += ["--days", str(DAYS), *sizes]
        subprocess.run(command, check=True, cwd=HERE.parents[1], env={**os.environ, "HM_RAW": str(shop)})
        shutil.rmtree(shop / ".parts", ignore_errors=True)
    return shop


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "POLARS_MAX_THREADS": "2", "PYTHONPATH": path}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--millions", nargs="+", type=int, default=[1, 10], help="clicks, about (default: 1 10)"
    )
    parser.add_argument("--engines", nargs="+", choices=get_args(Engine), default=get_args(Engine))
    parser.add_argument("--rounds", type=int, default=1, help="turns of each (default: 1)")
    parser.add_argument("--raw", type=Path, default=WORK / "raw", metavar="DIR",
                        help="of shops, 1m, 10m … (default: hm-data/benchmarks/raw)")  # fmt: skip
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument("--json", type=Path, default=WORK / "preprocess.jsonl", metavar="FILE",
                        help="a JSON line a turn (default: hm-data/benchmarks/preprocess.jsonl)")  # fmt: skip
    parser.add_argument("--inside", nargs=3, metavar=("ENGINE", "SHOP", "PLACE"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
