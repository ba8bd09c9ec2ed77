"""Talking to supervisord, which starts what deploy/machine/supervisord.conf lists, and keeps it alive."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from flows.machine.places import Machine
from hm_pipeline.errors import ConfigError, HmPipelineError

SERVERS, WORKERS = "servers", "workers"


class MachineError(HmPipelineError):
    """A program of this machine does not run as it should."""


@dataclass(frozen=True)
class Program:
    """One supervised process: its state as supervisord names it (RUNNING, FATAL, …), and since when."""

    name: str
    group: str
    state: str
    said: str
    since: datetime

    @property
    def runs(self) -> bool:
        """Whether it is up; starting counts."""
        return self.state in {"RUNNING", "STARTING"}


def control(machine: Machine) -> Any:
    """supervisord's own interface, over its socket."""
    try:
        from supervisor.xmlrpc import SupervisorTransport
    except ImportError:
        raise ConfigError("supervisor is not installed: pip install 'hm-pipeline[machine]'") from None
    transport = SupervisorTransport(None, None, f"unix://{machine.socket}")
    return ServerProxy("http://127.0.0.1", transport=transport).supervisor


def is_alive(machine: Machine) -> bool:
    """Whether supervisord answers."""
    try:
        return bool(control(machine).getState()["statecode"] == 1)
    except (OSError, Fault):
        return False


def begin(machine: Machine) -> None:
    """Start supervisord, which starts the servers, and leave it in the background."""
    supervisord = Path(sys.executable).with_name("supervisord")
    if not supervisord.exists():
        raise ConfigError(f"no {supervisord}: pip install 'hm-pipeline[machine]'")
    command = [str(supervisord), "--configuration", str(machine.conf)]
    done = subprocess.run(
        command, env=machine.process_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MachineError(f"supervisord did not start: {done.stdout}{done.stderr}")
    for _ in range(100):
        if is_alive(machine):
            return
        time.sleep(0.1)
    raise MachineError(f"supervisord does not answer after 10 s: {machine.log('supervisord')}")


def programs(machine: Machine) -> list[Program]:
    """All that supervisord knows of."""
    return [
        Program(
            p["name"], p["group"], p["statename"], p["description"], datetime.fromtimestamp(p["start"], UTC)
        )
        for p in control(machine).getAllProcessInfo()
    ]


def start(machine: Machine, group: str) -> None:
    """Those of a group that do not run; whether they come up is seen by who waits for them."""
    for program in programs(machine):
        if program.group == group and not program.runs:
            control(machine).startProcess(f"{group}:{program.name}", False)


def stop(machine: Machine, group: str) -> None:
    """All of a group, and wait until they have ended; supervisord kills what does not listen."""
    control(machine).stopProcessGroup(group, True)


def shut_down(machine: Machine) -> None:
    """Everything, supervisord too; returns at once."""
    control(machine).shutdown()


def given_up(machine: Machine) -> Iterator[Program]:
    """The programs that supervisord no longer tries to start."""
    return (program for program in programs(machine) if program.state == "FATAL")


def tail(machine: Machine, program: str, lines: int = 20) -> str:
    """The end of what a program said, with where the rest is."""
    file = machine.log(program)
    said = file.read_text(errors="replace").splitlines()[-lines:] if file.exists() else ["(nothing)"]
    return "\n".join([f"the end of {file}:", *(f"    {line}" for line in said)])
