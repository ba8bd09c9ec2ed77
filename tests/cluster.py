"""The cluster's servers on loopback: the commands and environments of deploy/k8s, as processes.

Hosts and ports are this machine's, secrets are given, /data and /app are folders here. All else is as the manifests
and the Dockerfile say.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from manifests import DEPLOY, Container, bare_environment, here, kubernetes_containers
from postgres import MLFLOW_PASSWORD, PREFECT_PASSWORD, Postgres
from s3_server import free_ports

AUTH = "tester:only-known-here"
REPO = DEPLOY.parent


@dataclass(frozen=True)
class Cluster:
    """Where everything listens, and what its processes said."""

    folder: Path  # /data, and logs
    ports: dict[int, int]  # of the manifests -> here
    s3: dict[str, str]  # AWS_*

    @property
    def prefect(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.ports[4200]}"

    @property
    def mlflow(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.ports[5000]}"

    def environment(self, container: dict[str, str], secrets: dict[str, str]) -> dict[str, str]:
        """Of a process that stands for a container."""
        told = {name: here(value, self.ports) for name, value in container.items()}
        return bare_environment() | image_environment(self.folder) | told | secrets

    def run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """To its end; an AssertionError with what it said where that is not well."""
        with self.log(name).open("ab") as log:
            done = subprocess.run(
                programs(command), env=environment, cwd=self.folder, stdout=log, stderr=log, check=False
            )
        assert done.returncode == 0, self.log(name).read_text()[-4000:]

    def log(self, name: str) -> Path:
        """Everything that process said."""
        return self.folder / f"{name.replace('/', '-')}.log"


def container(name: str) -> Container:
    """Of deploy/k8s, by workload and container."""
    return next(c for c in kubernetes_containers() if c.name == name)


def image_environment(data: Path) -> dict[str, str]:
    """What the Dockerfile sets."""
    text = (REPO / "Dockerfile").read_text().split("AS runtime")[1].split("AS cpu")[0].replace("\\\n", " ")
    pairs = re.findall(r"^ENV (.*)$", text, re.MULTILINE)[0].split()
    places = {"/data": str(data), "/app": str(REPO), "/tmp": str(data)}
    env = dict(pair.split("=", 1) for pair in pairs)
    return {k: re.sub(r"^/(data|app|tmp)", lambda m: places[m.group()], v) for k, v in env.items()}


def programs(command: list[str]) -> list[str]:
    """The command with this environment's program."""
    return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


@contextmanager
def cluster(folder: Path, postgres: Postgres, s3: dict[str, str]) -> Iterator[Cluster]:
    """Prefect and MLflow on PostgreSQL, each answering; they end with the block."""
    prefect_port, mlflow_port = free_ports(2)
    place = Cluster(folder, {5432: postgres.port, 4200: prefect_port, 5000: mlflow_port}, s3)
    secrets = {"PGPASSWORD": PREFECT_PASSWORD, "PREFECT_SERVER_API_AUTH_STRING": AUTH}
    with (
        _serving(place, "prefect/prefect", secrets) as prefect,
        _serving(place, "mlflow/mlflow", {"PGPASSWORD": MLFLOW_PASSWORD} | s3) as mlflow,
    ):
        _wait_for(f"{place.prefect}/api/ready", prefect, place.log("prefect/prefect"))
        _wait_for(f"{place.mlflow}/health", mlflow, place.log("mlflow/mlflow"))
        yield place


@contextmanager
def _serving(place: Cluster, name: str, secrets: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    found = container(name)
    command = programs([here(word, place.ports) for word in found.command])
    environment = place.environment(found.environment, secrets)
    with place.log(name).open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=place.folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield server
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # MLflow's workers too
            server.wait()


def _wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(400):
        assert server.poll() is None, log.read_text()[-4000:]
        if status(url) == 200:
            return
        time.sleep(0.5)
    raise AssertionError(f"no answer at {url}:\n{log.read_text()[-4000:]}")


def status(url: str, **headers: str) -> int:
    """Of a GET; 0 where nobody answers."""
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except URLError as error:
        return int(getattr(error, "code", 0))
    except OSError:
        return 0
