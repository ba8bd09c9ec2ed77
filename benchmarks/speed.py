"""How fast nets are trained: ratios inside one run, everybody in turn, on amazon_beauty_seq.

    python benchmarks/speed.py                              everything: an hour on two free cores
    python benchmarks/speed.py --rows prefixes users        some of it; speed_rows.py says what each row is
    python benchmarks/speed.py --rows peak --rounds 2 --seconds 3      does it work here at all?
    python benchmarks/speed.py --table                      markdown of what was measured
    python benchmarks/speed.py --table --json benchmarks/speed.jsonl   of the committed figures

A row's contenders are processes that train side by side: each goes through its own loop, is woken for a turn
of some seconds (at least one step), and sleeps while the others have theirs; the machine's matrix peak is
measured as one more turn of each round. A ratio is taken within a round; the table has the median of the
rounds and the lowest and highest. Targets a second are whole steps: batches, forward, backward, clipping
and optimiser. The other libraries are installed from PyPI on first use, into environments of their own.

Each turn is a line in the results file. A row that is complete there is not measured again without
--again; a row that was killed starts anew, as ratios must not span two runs. Leave the machine alone
meanwhile: ratios forgive load, the shares of the peak do not.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from display import say
from logs import BEAUTY, ENVIRONMENT, data_root, load, why_not
from speed_records import Done, Equal, Journal
from speed_rows import PEAK, Row, rows
from speed_tables import tables

if TYPE_CHECKING:
    from hm_pipeline.data.samples import Samples

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "hm-data" / "benchmarks"


def main() -> None:
    """Measure what is asked for and not known, then print it."""
    known = rows()
    asked_for = _arguments(list(known))
    journal = Journal(asked_for.json)
    wanted = [known[name] for name in asked_for.rows]
    if not asked_for.table:
        missing = why_not(BEAUTY, data_root(asked_for.data))
        if missing:
            raise SystemExit(f"nothing to train on: {missing}")
        for row in wanted:
            if asked_for.again or journal.done(row.name) is None:
                measure(row, journal, asked_for)
    for row in wanted:
        print(tables(row, journal))


def measure(row: Row, journal: Journal, asked_for: argparse.Namespace) -> None:
    """All rounds of one row."""
    from speed_race import Child, Race

    run = f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {row.name}"
    samples, folder = _samples(asked_for)
    if any(contender.cut != "one_pass" and contender.peer is None for contender in row.contenders):
        show_equal(run, journal, folder)
    with ExitStack() as stack:
        children = {}
        for name, command in _commands(row, samples, folder, asked_for.work).items():
            log = asked_for.work / "speed" / "logs" / f"{row.name}-{len(children)}.txt"
            children[name] = stack.enter_context(Child(name, command, log))
        race = Race(run, row, children, journal, len(samples.items), asked_for.threads)
        race.warm()
        race.trial(asked_for.seconds / 2)
        for number in range(1, asked_for.rounds + 1):
            race.round(number, asked_for.seconds)
    journal.add(Done(run=run, row=row.name, rounds=asked_for.rounds, machine=_machine()))


def show_equal(run: str, journal: Journal, folder: Path) -> None:
    """That one pass and one sample a prefix have the same loss; raises where they have not."""
    said = subprocess.run(
        [sys.executable, str(HERE / "speed_equal.py"), str(folder)], check=True, stdout=subprocess.PIPE
    )
    ours, *others = (json.loads(line) for line in said.stdout.splitlines())
    for other in others:
        equal = Equal(
            run=run,
            contender=f"prefixes {other['cut']}",
            targets=other["targets"],
            share=other["share"],
            ours=ours["loss"],
            theirs=other["loss"],
        )
        journal.add(equal)
        say(f"{equal.contender}  loss {equal.theirs:.6f}  one pass {equal.ours:.6f}")


def _commands(row: Row, samples: "Samples", folder: Path, work: Path) -> dict[str, list[str]]:
    """What starts each contender, and the matrix peak last."""
    from speed_peers import command

    worker = [sys.executable, str(HERE / "speed_worker.py"), row.name]
    commands = {}
    for contender in row.contenders:
        ours = [*worker, contender.name, str(folder)]
        theirs = command(contender.peer, samples, work / "peers") if contender.peer else []
        commands[contender.name] = theirs or ours
    return commands | {PEAK: [*worker, PEAK, str(folder)]}


def _samples(asked_for: argparse.Namespace) -> tuple["Samples", Path]:
    """Beauty's training histories, and the folder where the children find them."""
    from hm_pipeline.data.build import build
    from hm_pipeline.data.sample_config import SampleConfig

    log, catalogue = load(BEAUTY, data_root(asked_for.data))
    samples = build(log, catalogue, SampleConfig(), "leave_last_out")
    folder = asked_for.work / "speed" / f"samples-{samples.digest}"
    if not (folder / "samples.json").exists():  # written last
        samples.save(folder)
    return samples, folder


def _machine() -> str:
    import torch
    from speed_race import processors

    return f"{processors()} cores of {torch.backends.cpu.get_cpu_capability()}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"  # noqa: E501


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=names, default=names, help="which rows (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a turn, whole steps (default: 30)")
    parser.add_argument("--threads", type=int, help="of everybody (default: what suits each, one or all)")
    parser.add_argument("--again", action="store_true", help="measure rows anew that FILE has already")
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument(
        "--json",
        type=Path,
        default=WORK / "speed.jsonl",
        metavar="FILE",
        help="turns, one JSON line each (default: hm-data/benchmarks/speed.jsonl)",
    )
    parser.add_argument(
        "--data", type=Path, help=f"folder of the logs (default: ${ENVIRONMENT}, else ../shared/data)"
    )
    parser.add_argument(
        "--work", type=Path, default=WORK, help="environments and logs (default: hm-data/benchmarks)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
