"""The machine that is drilled: its servers and workers, who of them lives, and how to end or stop them."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from live_machine import LiveMachine, free_block, until

from drill import market
from drill.prefect_api import Prefect
from drill.proxy import Gate, Proxy, Trouble
from drill.seen import is_whole, published
from drill.twin import Twin
from flows.machine import leftovers
from tasks.settings import settings

NIGHT_SECONDS = 420.0  # in which a night that is not disturbed any more ends


class Stand:
    """Everything that a fault needs."""

    def __init__(self, live: LiveMachine, proxy: Proxy, twin: Twin) -> None:
        self.live, self.proxy, self.twin = live, proxy, twin
        self.prefect = Prefect(live.urls["prefect"])
        self._days = market.run_dates()
        self.blamed: set[str] = set()  # orphans of faults that were not survived
        self.broken_at = 0.0  # when the last fault struck, by the monotonic clock

    # ---- days and runs ---------------------------------------------------------------------------------

    def fresh(self, count: int) -> list[date]:
        """The next run dates; what they must end in is made meanwhile."""
        days = [next(self._days) for _ in range(count)]
        for day in days:
            self.twin.begin(day)
        return days

    def night(self, day: date) -> str:
        """Start a night by its deployment; the run's id."""
        return self.prefect.start(f"daily/{market.MARKET}", f"{market.MARKET}-{day}", day=str(day))

    def gap_check(self, day: date, days: int) -> str:
        """One run of the hourly check, as of a day, to its end; how it ended."""
        run = self.prefect.start(
            f"gaps/{market.MARKET}", f"gaps-{day}", market=market.MARKET, day=str(day), days=days
        )
        self.prefect.ended(run, NIGHT_SECONDS * max(days, 2))
        return self.prefect.told(run)

    def seen(self) -> dict[str, Any]:
        """What everybody sees now."""
        return published(market.MARKET)

    def is_whole(self, day: date) -> bool:
        """Whether that night came to its end."""
        return is_whole(market.MARKET, day)

    # ---- where a night is ------------------------------------------------------------------------------

    @contextmanager
    def held_at(self, pattern: str, *, after: bool = False, seconds: float = 240) -> Iterator[Gate]:
        """A night is stopped in the request that matches; it goes on when the block is left."""
        gate = Gate(after=after)
        with self.proxy.trouble(Trouble(pattern, gate, times=1)):
            try:
                yield gate
            finally:
                gate.open.set()

    def came_to(self, gate: Gate, what: str, seconds: float = 300) -> None:
        """Wait until somebody is held. AssertionError where nobody comes."""
        assert gate.reached.wait(seconds), f"no night came to {what} within {seconds:g} s"
        self.struck()

    def struck(self) -> None:
        """Now."""
        self.broken_at = time.monotonic()

    # ---- processes -------------------------------------------------------------------------------------

    def pids_of_run(self, run: str) -> list[int]:
        """The processes of a flow run."""
        return _pids({f"PREFECT__FLOW_RUN_ID={run}", f"HM_MACHINE={self.live.folder}"})

    def pid_of_worker(self, pool: str) -> int:
        """supervisord knows."""
        return int(self.supervisor.getProcessInfo(f"workers:{pool}")["pid"])

    def kill_run(self, run: str) -> None:
        """SIGKILL to all of it. AssertionError where it has no process."""
        pids = self.pids_of_run(run)
        assert pids, f"flow run {run} has no process to kill"
        _kill(pids)

    def kill_worker(self, pool: str) -> None:
        """SIGKILL; its runs live on."""
        _kill([self.pid_of_worker(pool)])

    def kill_program(self, program: str) -> None:
        """SIGKILL to one of supervisord's."""
        _kill([int(self.supervisor.getProcessInfo(program)["pid"])])

    def kill_host(self, pool: str, run: str) -> None:
        """SIGKILL to a run and its worker at once, the worker first: nobody reports anything."""
        pids = [self.pid_of_worker(pool), *self.pids_of_run(run)]
        assert len(pids) > 1, f"flow run {run} has no process to kill"
        _kill(pids)

    def worker_is_back(self, pool: str, old: int, seconds: float = 60) -> None:
        """Wait until supervisord has started another one."""
        assert until(lambda: self.pid_of_worker(pool) not in {0, old}, seconds), f"no new worker of {pool}"

    def child(self, pool: str, seconds: float = 120) -> str:
        """The run that trains on a pool now; its id."""
        found = until(lambda: self.prefect.runs(("RUNNING",), f"train/{pool}"), seconds)
        assert found, f"nothing runs on {pool}"
        return str(found[0]["id"])

    @property
    def supervisor(self) -> Any:
        """supervisord's own interface."""
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, f"unix://{self.live.folder / 'supervisord.sock'}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    @contextmanager
    def without(self, program: str) -> Iterator[None]:
        """A program of supervisord's is stopped meanwhile."""
        self.supervisor.stopProcess(program, True)
        try:
            yield
        finally:
            self.supervisor.startProcess(program, True)


def _pids(marks: set[str]) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if marks <= set(environment):
                found.append(int(folder.name))
    return found


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """Started, filled with raw data, and ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    first = free_block(10)
    proxy = Proxy(f"http://127.0.0.1:{first}")
    config = market.write_config(folder)
    market.through(config, proxy.url)
    live = LiveMachine(
        folder=folder / "up",
        config=config,
        chosen={
            "HM_UP": str(folder / "up"),
            "HM_CONFIG": str(config),
            "HM_S3_PORT": str(first),
            "HM_MLFLOW_PORT": str(first + 8),
            "HM_PREFECT_PORT": str(first + 9),
        },
    )
    live.chosen["HM_WEBHOOK"] = live.listener.url
    threading.Thread(target=live.listener.serve_forever, daemon=True).start()
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    twin = None
    try:
        begun = live.hm("up")
        assert begun.returncode == 0, f"{begun.stdout}{begun.stderr}\n{live.logs()}"
        _deliver(live, folder)
        _enter(live)
        twin = Twin(_twins_environment(live, folder), folder)
        yield Stand(live, proxy, twin)
    finally:
        if twin is not None:
            twin.end()
        live.hm("down")
        leftovers.end(live.folder)


def _deliver(live: LiveMachine, folder: Path) -> None:
    market.write_raw(folder / "raw")
    s3 = live.s3()
    for file in sorted((folder / "raw").rglob("*.csv")):
        s3.upload_file(str(file), "hm-pipeline", f"root/raw/{file.relative_to(folder / 'raw').as_posix()}")


def _enter(live: LiveMachine) -> None:
    """This process reads what the machine publishes."""
    ours = {k: v for k, v in live.env.items() if k.startswith(("AWS_", "HM_", "MLFLOW_"))}
    os.environ.update(ours)
    settings.cache_clear()


def _twins_environment(live: LiveMachine, folder: Path) -> dict[str, str]:
    """The same raw data, configuration and S3 server; results, MLflow and scratch of its own."""
    own = {k: v for k, v in live.env.items() if not k.startswith(("PREFECT_", "MLFLOW_"))}
    return own | {
        "HM_ROOT": "s3://hm-pipeline/twin",
        "HM_RAW": "s3://hm-pipeline/root/raw",
        "HM_WORK": str(folder / "twin"),
        "PREFECT_HOME": str(folder / "twin" / "prefect"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
