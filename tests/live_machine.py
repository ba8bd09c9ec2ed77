"""One whole machine for all tests here: `hm up` on free ports, in a temporary folder, with the tiny market on it.

machine.env       what a process needs to use it: PREFECT_API_URL, MLFLOW_TRACKING_URI, AWS_*, HM_*
machine.urls      prefect, mlflow, s3
machine.folder    HM_UP: logs, databases, S3 data
machine.hm(…)     `hm …` as a person there would call it; the finished process
machine.ask(…)    what Prefect's API answers
machine.told()    what its webhook has received
"""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import patient

DEPLOY = Path(__file__).parents[1] / "deploy"


class Told(ThreadingHTTPServer):
    """Somebody who takes POSTs and remembers them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Listener)
        self.heard: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where to post; a secret, as such urls are."""
        return f"http://127.0.0.1:{self.server_port}/a-secret-path"


class _Listener(BaseHTTPRequestHandler):
    server: Told

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@dataclass(frozen=True)
class LiveMachine:
    """What `hm up` has started."""

    folder: Path
    config: Path
    chosen: dict[str, str]  # HM_UP, ports, webhook: what a person would export before `make up`
    listener: Told = field(default_factory=Told)
    said: list[str] = field(default_factory=list)  # all that its commands have printed

    @property
    def env(self) -> dict[str, str]:
        """This process's environment after `source HM_UP/env`."""
        lines = (self.folder / "env").read_text().splitlines()
        words = (shlex.split(line.removeprefix("export "))[0] for line in lines)
        return _bare() | dict(word.split("=", 1) for word in words)

    @property
    def urls(self) -> dict[str, str]:
        """Of the servers."""
        names = {"prefect": "HM_PREFECT_PORT", "mlflow": "HM_MLFLOW_PORT", "s3": "HM_S3_PORT"}
        return {name: f"http://127.0.0.1:{self.chosen[port]}" for name, port in names.items()}

    def hm(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`hm up`, `hm down`, …: from a shell that exported nothing but the choices."""
        return self._run("flows.cli", *words, env=_bare() | self.chosen | env)

    def there(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`hm …` from a shell that sourced HM_UP/env."""
        return self._run("flows.cli", *words, env=self.env | self.chosen | env)

    def prefect(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`prefect …` from such a shell."""
        return self._run("prefect", "--no-prompt", *words, env=self.env)

    def _run(self, module: str, *words: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        """`python -m module …`, to its end."""
        command = [sys.executable, "-m", module, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
        self.said.append(done.stdout + done.stderr)
        return done

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """What Prefect's server answers: to a POST where there is a body, else to a GET, unless told otherwise."""
        return patient.ask(f"{self.urls['prefect']}/api/{path}", body, method)

    def told(self) -> list[dict[str, Any]]:
        """What the webhook has received so far."""
        return list(self.listener.heard)

    def s3(self) -> Any:
        """A client of its S3 server."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.urls["s3"],
            region_name="us-east-1",
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def logs(self) -> str:
        """The end of every log, for a failure's message."""
        files = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"== {f.name}\n{f.read_text(errors='replace')[-1500:]}" for f in files)


def until(what: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true answer; the last one where none came."""
    end = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(0.5)
    return answer


def _bare() -> dict[str, str]:
    """This process's environment without what places a run somewhere."""
    foreign = ("AWS_", "PREFECT_", "MLFLOW_", "HM_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return own | threads | {"COLUMNS": "200", "PYTHONPATH": str(DEPLOY.parent)}


def free_block(length: int) -> int:
    """The first of so many free ports in a row, far below those that the system hands out by itself."""
    for first in range(21_000 + os.getpid() % 5_000, 32_000, length):
        sockets = [socket.socket() for _ in range(length)]
        try:
            for offset, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no free ports between 21000 and 32000")
