"""Between training steps: wait for an order, count until it is carried out, answer, wait again.

    order   {"threads": 2, "seconds": 15.0, "steps": null, "least": 1}      one line on standard input
    answer  {"threads": 2, "seconds": 15.8, "steps": 19, "targets": 38912, ...}      one line out

A gate stands at the end of a step of whoever trains, ours or a peer's, so that many processes take turns
on one machine, each warm and each in the middle of its own training. Standard library only: a peer's
environment has nothing of ours. What a library prints goes to standard error.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable


class Gate:
    """One process's end; `set_threads` is what its library calls that."""

    def __init__(self, set_threads: Callable[[int], None]) -> None:
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.set_threads = set_threads
        self.order: dict[str, float | None] | None = None
        self.counts: dict[str, int] = {}
        self.started = self.cpu_started = 0.0

    def step(self, *, targets: int, positions: int, cells: int, scored: int | None = None) -> bool:
        """A step is done; False, always: nobody has to stop. Ends the process when nobody asks any more.

        `positions` held an item or the start symbol, `cells` with padding; `scored` positions met the
        softmax, where that is more than the targets.
        """
        if self.order is None:  # the first step of all warms up and is not counted
            self._wait()
            return False
        step = {"steps": 1, "targets": targets, "positions": positions, "cells": cells}
        step["scored"] = targets if scored is None else scored
        self.counts = {name: self.counts.get(name, 0) + n for name, n in step.items()}
        if self._is_carried_out():
            self.answer(self.counts)
            self._wait()
        return False

    def answer(self, figures: dict[str, int] | dict[str, float]) -> None:
        """Say what was counted, with the time it took and the most memory this process ever had."""
        times = {"seconds": time.perf_counter() - self.started, "cpu": time.process_time() - self.cpu_started}
        threads = self.order["threads"] if self.order else None
        line = {"threads": threads, "peak_mib": peak_mib(), **times, **figures}
        self.answers.write(json.dumps(line) + "\n")
        self.answers.flush()

    def next_order(self) -> dict[str, float | None]:
        """For whoever trains nothing: wait and be told."""
        self._wait()
        assert self.order is not None
        return self.order

    def _is_carried_out(self) -> bool:
        assert self.order is not None
        steps, seconds = self.order["steps"], self.order["seconds"]
        if steps is not None:
            return self.counts["steps"] >= steps
        enough = self.counts["steps"] >= (self.order["least"] or 1)
        return enough and time.perf_counter() - self.started >= (seconds or 0.0)

    def _wait(self) -> None:
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        self.order, self.counts = json.loads(line), {}
        self.set_threads(int(self.order["threads"] or 1))
        self.started, self.cpu_started = time.perf_counter(), time.process_time()


def peak_mib() -> float:
    """The most memory this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10
