"""A real PostgreSQL on loopback with the databases that the cluster has, made by the cluster's own script."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "deploy" / "k8s" / "base" / "postgres" / "databases.sh"
OWNER_PASSWORD, PREFECT_PASSWORD, MLFLOW_PASSWORD = "owner-of-all", "only-prefect's", "only-mlflow's"
_NOBODY = "nobody"  # PostgreSQL refuses to run as root


@dataclass(frozen=True)
class Postgres:
    """Where it listens; who may log in is above."""

    port: int

    def query(self, database: str, sql: str, user: str = "postgres", password: str = OWNER_PASSWORD) -> str:
        """What psql prints, rows as lines; RuntimeError with what it said where it fails."""
        command = [_program("psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--command", sql]
        told = {"PGHOST": "127.0.0.1", "PGPORT": f"{self.port}", "PGUSER": user, "PGPASSWORD": password}
        done = subprocess.run(
            [*command, database], env={**os.environ, **told}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A fresh cluster, gone with the block; its folder belongs to whoever runs it, so not below pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="hm-postgres-"))
    try:
        _make(folder)
        port = _free_port()
        command = [_program("postgres"), "-D", "data", "-p", f"{port}", "-h", "127.0.0.1", "-k", "", "-F"]
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **_as_nobody())
            try:
                _wait_for(port, server, folder / "server.log")
                _make_databases(port)
                yield Postgres(port)
            finally:
                server.send_signal(signal.SIGINT)  # fast: waits for no client
                server.wait(60)
    finally:
        shutil.rmtree(folder)


def _make(folder: Path) -> None:
    secret = folder / "password"
    secret.write_text(OWNER_PASSWORD)
    if os.geteuid() == 0:
        for place in (folder, secret):
            shutil.chown(place, _NOBODY)
    command = [_program("initdb"), "-D", "data", "-U", "postgres", "--auth=scram-sha-256", "--no-sync"]
    subprocess.run(
        [*command, "--pwfile=password"], cwd=folder, check=True, stdout=subprocess.DEVNULL, **_as_nobody()
    )


def _make_databases(port: int) -> None:
    told = {
        "PATH": f"{Path(_program('psql')).parent}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": f"{port}",
        "PGPASSWORD": OWNER_PASSWORD,
        "POSTGRES_USER": "postgres",
        "PREFECT_DB_PASSWORD": PREFECT_PASSWORD,
        "MLFLOW_DB_PASSWORD": MLFLOW_PASSWORD,
    }
    subprocess.run(["sh", str(SCRIPT)], env={**os.environ, **told}, check=True)


def _as_nobody() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": "nogroup", "extra_groups": []}


def _program(name: str) -> str:
    """The server's own programs, where Debian puts them, come before wrappers on the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(places[-1]) if places else shutil.which(name)
    assert found, f"no {name}"
    return found


def is_installed() -> bool:
    """Whether there is a server to start, not only a client."""
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, f"PostgreSQL died:\n{log.read_text()[-2000:]}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"no PostgreSQL after 30 s:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL with the databases `prefect` and `mlflow`; a skip where none is installed."""
    if not is_installed():
        pytest.skip("no PostgreSQL here: apt-get install postgresql to run this test")
    with postgres_server() as server:
        yield server
