"""A job given to several processes of this machine, and what is heard of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hm_pipeline.errors import ModelError
from hm_pipeline.progress import Progress, Step
from tasks.job import DONE, JOB, Done, Job
from tasks.scratch import scratch

CAUSE = "Root Cause"  # torchrun's heading of what failed first
LINES_KEPT, LINES_NAMED = 500, 30


def fit_by_ranks(job: Job, processes: int, progress: Progress) -> Done:
    """The job done by so many processes, one a GPU where there are any; ModelError says which one failed."""
    with scratch() as folder:
        (folder / JOB).write_text(job.model_dump_json())
        with subprocess.Popen(
            _command(folder, processes),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"OMP_NUM_THREADS": _threads(processes)} | os.environ,
        ) as torchrun:
            assert torchrun.stdout is not None
            said = _listened(torchrun, torchrun.stdout, progress)
        if torchrun.returncode:
            raise ModelError(f"{job.config.kind} on {processes} processes failed:\n{_cause(said)}")
        return Done.model_validate_json((folder / DONE).read_bytes())


def _command(folder: Path, processes: int) -> list[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*torchrun, f"--nproc-per-node={processes}", "-m", "tasks.ranks", str(folder)]


def _threads(processes: int) -> str:
    """A share of the cores each; torchrun itself gives each one."""
    return str(max(1, len(os.sched_getaffinity(0)) // processes))


def _listened(torchrun: "subprocess.Popen[str]", lines: Iterable[str], progress: Progress) -> list[str]:
    """What it said besides its steps, which go on to `progress`; it does not outlive who listens."""
    said: list[str] = []
    try:
        for line in lines:
            step = _step(line)
            if step is None:
                said = [*said[-LINES_KEPT:], line.rstrip()]
            else:
                progress(step)
    except BaseException:
        torchrun.terminate()
        raise
    return said


def _step(line: str) -> Step | None:
    """The step that a line tells of."""
    with suppress(ValueError, TypeError):
        return Step(**json.loads(line))
    return None


def _cause(said: list[str]) -> str:
    """What torchrun found to have failed first, else the last lines."""
    at = max((number for number, line in enumerate(said) if CAUSE in line), default=0)
    return "\n".join(said[at:][-LINES_NAMED:])
