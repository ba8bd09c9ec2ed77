"""What a run prints when nobody reads it any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_RUN = """
import sys
from pathlib import Path
from rich.console import Console
from tasks.listeners import outlive_the_worker

log = Console(file=sys.stderr)  # as Prefect logs
if sys.argv[1] == "outlives":
    outlive_the_worker()
sys.stdin.readline()
first, second = (log.print, print) if sys.argv[2] == "logs" else (print, log.print)
for _ in range(2):
    first("a line")
    second("another line")
Path(sys.argv[3]).write_text("came to its end")
"""


@pytest.mark.parametrize("first", ["logs", "prints"])
@pytest.mark.parametrize("run", ["outlives", "does not"])
def test_a_run_whose_worker_is_gone_comes_to_its_end(tmp_path: Path, run: str, first: str) -> None:
    end = tmp_path / "end"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", _RUN, run, first, str(end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stderr.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    process.wait(60)
    assert end.exists() == (run == "outlives")
