"""Processes of this machine that nobody supervises any more: known by a mark in their environment.

supervisord killed with -9 leaves servers and workers behind, and a worker that is killed leaves its runs.
All of them inherited HM_MACHINE=<folder>; those of workers HM_PART=workers too.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Leftover:
    """A process, and how it was called."""

    pid: int
    command: str


def marked(folder: Path, part: str | None = None) -> list[Leftover]:
    """The living processes of the machine in `folder`, of one part of it or of all; never this one."""
    marks = {f"HM_MACHINE={folder}", *([f"HM_PART={part}"] if part else [])}
    found = _by_proc(marks) if PROC.exists() else _by_ps(marks)
    return sorted((p for p in found if p.pid != os.getpid()), key=lambda p: p.pid)


def end(folder: Path, part: str | None = None, patience: float = 10) -> list[Leftover]:
    """Ask them to end, kill after `patience` seconds what did not; who they were."""
    found = marked(folder, part)
    _signal(found, signal.SIGTERM)
    if not gone(folder, part, patience):
        _signal(marked(folder, part), signal.SIGKILL)
        gone(folder, part, patience)
    return found


def gone(folder: Path, part: str | None = None, patience: float = 10) -> bool:
    """Whether all of them have ended within `patience` seconds."""
    until = time.monotonic() + patience
    while marked(folder, part):
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _signal(processes: list[Leftover], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue


def _by_proc(marks: set[str]) -> Iterator[Leftover]:
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:  # somebody else's, or just ended
            continue
        if marks <= set(environment):
            yield Leftover(int(folder.name), command.strip())


def _by_ps(marks: set[str]) -> Iterator[Leftover]:
    """Where there is no /proc (macOS): `ps` shows the environment behind the command."""
    shown = subprocess.run(
        ["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=True
    )
    for line in shown.stdout.splitlines():
        pid, _, rest = line.strip().partition(" ")
        if all(f" {mark} " in f"{rest} " for mark in marks):
            yield Leftover(int(pid), rest.split(" HM_", 1)[0])
