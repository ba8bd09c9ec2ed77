"""Contenders take turns: A B C peak, A B C peak, …; each in its own process, warm, asleep meanwhile.

Load of others, clock and temperature then fall on all alike, and a ratio is taken within a turn.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self

from display import say
from speed_flops import Cost
from speed_records import Journal, Round
from speed_rows import PEAK, Row

HERE = Path(__file__).resolve().parent
ANSWERED = ("threads", "seconds", "cpu", "steps", "targets", "peak_mib")


class Child:
    """One contender's process."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
            env=os.environ | {"PYTHONPATH": _path()},
        )

    def turn(self, threads: int, seconds: float, steps: int | None, least: int) -> dict[str, Any]:
        """Let it run, and hear how it went."""
        assert self.process.stdin
        assert self.process.stdout
        order = {"threads": threads, "seconds": seconds, "steps": steps, "least": least}
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            code = self.process.wait()
            raise RuntimeError(f"{self.name} ended with {code}; the end of {self.log}:\n{self._tail()}")
        return dict(json.loads(answer))

    def _tail(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-12:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """It ends itself when nobody asks any more; if it hangs, it is ended."""
        assert self.process.stdin
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Race:
    """One run of one row."""

    def __init__(
        self, run: str, row: Row, children: dict[str, Child], journal: Journal, V: int, threads: int | None
    ) -> None:
        self.run, self.row, self.children, self.journal = run, row, children, journal
        self.least = {c.name: c.least_steps for c in row.contenders}
        self.costs = {c.name: Cost.of(c.config, V) for c in row.contenders}
        self.choices = [threads] if threads else sorted({1, processors()})
        self.threads = {PEAK: self.choices[-1]}

    def warm(self) -> None:
        """A step of each that nobody counts: no contender is tried while another still starts."""
        for child in self.children.values():
            child.turn(self.choices[-1], 0.1, 1, 1)

    def trial(self, seconds: float) -> None:
        """Round 0: one thread against all; each goes on with what suits it, the peak with all."""
        for name in self.costs:
            tried = [self._turn(name, 0, n, seconds) for n in self.choices]
            self.threads[name] = max(tried, key=lambda r: r.gflop_rate).threads

    def round(self, number: int, seconds: float) -> None:
        """Everybody once."""
        for name in self.children:
            self._turn(name, number, self.threads[name], seconds)

    def _turn(self, name: str, number: int, threads: int, seconds: float) -> Round:
        steps = self.row.steps if number or self.row.steps is None else 2
        least = self.least.get(name, 1) if number else 1
        answer = self.children[name].turn(threads, seconds, steps, least)
        record = self._record(name, number, answer)
        self.journal.add(record)
        say(f"{self.row.name}  round {number}  {name}  {threads} thread{'s'[: threads - 1]}  {_told(record)}")
        return record

    def _record(self, name: str, number: int, answer: dict[str, Any]) -> Round:
        """With the FLOP that the contender's formula gives for what it counted."""
        useful = done = answer.get("gflop_rate", 0.0) * answer["seconds"]
        if name in self.costs:
            cost = self.costs[name]
            useful = cost.flop(answer["positions"], answer["targets"]) / 1e9
            done = cost.flop(answer["cells"], answer["scored"]) / 1e9
        return Round(
            run=self.run,
            row=self.row.name,
            contender=name,
            number=number,
            useful_gflop=useful,
            done_gflop=done,
            **{key: answer[key] for key in ANSWERED if key in answer},
        )


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _path() -> str:
    """Where a child finds the gate, whatever its environment."""
    return os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))


def _told(record: Round) -> str:
    if not record.targets:
        return f"{record.gflop_rate:,.0f} GFLOP/s"
    return f"{record.rate:,.0f} targets/s  {record.steps} steps in {record.seconds:.1f} s"
