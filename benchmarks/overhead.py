"""What the orchestration costs: the demo's night with Prefect, and the same library calls without it.

    python benchmarks/overhead.py                  three nights, a minute or two each
    python benchmarks/overhead.py --repeat 3       each kind so often, in turns

Each night is a process of its own from an empty folder (raw data is there), and reports its wall clock:

    bare     the same flow with every task called as a plain function: no API, no database, no server
    cold     `hm run` on a machine where Prefect never ran: its database is made, its own server started
    warm     `hm run` beside a server that runs already, as workers do

The difference to `bare` is what Prefect takes; a night's work is the same in all three, and so are its files.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from display import say

from hm_pipeline.markdown import table

PROJECT = Path(__file__).resolve().parents[1]
KINDS = ("bare", "cold", "warm")
MARKET, DAY = "demo", "2017-09-13"
PORT = 14_200
URL = f"http://127.0.0.1:{PORT}/api"

BARE = f"""
import sys
from datetime import date
from flows.commands.quiet import quiet
quiet()
import prefect
from tasks import settings
count = 0
def plain(task, *given, **named):
    global count
    count += 1
    return task.fn(*given, **named)
prefect.Task.__call__ = plain
from flows.daily import daily
daily.fn("{MARKET}", date.fromisoformat("{DAY}"))
print("tasks", count)
"""


def main() -> None:
    """Import once, run the nights in turns, tell."""
    asked = _arguments()
    with TemporaryDirectory() as place:
        folder = Path(place)
        hm(["import", "complete-journey"], folder / "import", folder / "raw")
        seconds: dict[str, list[float]] = {kind: [] for kind in asked.kinds}
        for turn in range(asked.repeat):
            for kind in asked.kinds:
                seconds[kind].append(night(kind, folder / f"{kind}{turn}", folder / "raw"))
                say(f"{kind}  {seconds[kind][-1]:.1f} s")
    tell(seconds)


def night(kind: str, root: Path, raw: Path) -> float:
    """Wall clock of one night's whole process."""
    if kind == "bare":
        return timed([sys.executable, "-c", BARE], environment(root, raw))
    command = [sys.executable, "-m", "flows.cli", "run", "--market", MARKET, "--day", DAY]
    if kind == "cold":
        return timed(command, environment(root, raw))
    with server(root):
        return timed(command, environment(root, raw) | {"PREFECT_API_URL": URL})


@contextmanager
def server(root: Path) -> Iterator[None]:
    """A Prefect server of our own, answering."""
    (root / "server").mkdir(parents=True)
    home = {"PREFECT_HOME": str(root / "server"), "DO_NOT_TRACK": "1"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PORT)]
    process = subprocess.Popen(
        command, env=os.environ | home, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        wait_for_health()
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for_health() -> None:
    """Until it answers, two minutes at most."""
    for _ in range(120):
        try:
            urlopen(f"{URL}/health", timeout=5).close()
        except (URLError, OSError):
            time.sleep(1)
        else:
            return
    raise SystemExit(f"the server at {URL} did not answer in two minutes")


def hm(arguments: list[str], root: Path, raw: Path) -> None:
    """A command of the project."""
    command = [sys.executable, "-m", "flows.cli", *arguments]
    subprocess.run(command, env=environment(root, raw), cwd=PROJECT, check=True)


def environment(root: Path, raw: Path) -> dict[str, str]:
    """Where this night's files lie."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HM_", "PREFECT_", "MLFLOW_"))
    }
    path = os.pathsep.join(filter(None, (str(PROJECT), own.get("PYTHONPATH"))))
    return own | {"HM_ROOT": str(root), "HM_RAW": str(raw), "PYTHONPATH": path}


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Seconds; what it says is kept until it fails."""
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    if "tasks" in done.stdout.splitlines()[-1]:
        say(done.stdout.splitlines()[-1])
    return time.perf_counter() - began


def tell(seconds: dict[str, list[float]]) -> None:
    """Medians, and what is above the bare night's."""
    bare = median(seconds.get("bare", [0.0]))
    rows = [
        [kind, f"{median(s):.1f}", f"{median(s) - bare:+.1f}", str(len(s))] for kind, s in seconds.items()
    ]
    print(table(["night", "s", "above bare, s", "nights"], rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--repeat", type=int, default=1, help="nights of each kind (default: 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
