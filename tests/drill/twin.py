"""The same nights, one after another and undisturbed, in one process without servers: what each fault must end in.

A child process that is told a run date a line and answers with what everybody would see after it.
"""

import json
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parents[1]


class Twin:
    """Answers come in the order of the questions; a night is made as soon as it is asked for."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        path = os.pathsep.join([str(_TESTS), str(_TESTS.parent)])
        with (folder / "twin.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drill.twin"],
                env=environment | {"PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._known: dict[str, dict[str, Any]] = {}
        self._came = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def begin(self, day: date) -> None:
        """Make that night; days are asked for in their order."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{day}\n")
        self._process.stdin.flush()

    def expected(self, day: date) -> dict[str, Any]:
        """Digest of the lists, and champion, after that night."""
        with self._came:
            if not self._came.wait_for(lambda: str(day) in self._known, timeout=300):
                raise TimeoutError(f"the undisturbed night of {day} did not come; see twin.log")
        return self._known[str(day)]

    def end(self) -> None:
        """No more nights."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer = json.loads(line)
                with self._came:
                    self._known[answer["day"]] = answer
                    self._came.notify_all()


def main() -> None:
    """The child: nights as they are asked for."""
    from embedded import run_night
    from tiny_market import MARKET

    from drill.seen import published

    for line in sys.stdin:
        day = date.fromisoformat(line.strip())
        run_night(MARKET, day)
        print(json.dumps({"day": str(day)} | published(MARKET)), flush=True)


if __name__ == "__main__":
    main()
