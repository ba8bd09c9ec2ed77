"""`hm up`: everything on one machine, and again if it is there already.

ports free ─ supervisord ─ servers answer ─ bucket ─ lost runs given up ─ hm set-up ─ workers online
"""

import os
import socket
from pathlib import Path

from rich.console import Console

from flows.machine import choices, leftovers, readiness, supervision
from flows.machine.places import BUCKET, Machine, machine
from flows.machine.supervision import SERVERS, WORKERS, MachineError

console = Console()


def up() -> None:
    """Start what does not run. MachineError says what did not come, and shows the end of its log."""
    here = machine()
    here.make_folders()
    fresh = not supervision.is_alive(here)
    if fresh:
        _begin(here)
    env = _chosen(here, fresh)
    supervision.start(here, SERVERS)
    readiness.servers_answer(here)
    readiness.bucket_is_there(here)
    _enter(here)
    _set_up(here, fresh)
    supervision.start(here, WORKERS)
    readiness.workers_are_online(here)
    _tell(here, str(env))


def _begin(here: Machine) -> None:
    """Only where nothing of ours is left, and every port is free."""
    for process in leftovers.end(here.folder):
        console.print(f"ended what was left: {process.pid} {process.command}", soft_wrap=True, markup=False)
    for port, (whose, variable) in here.ports.items():
        if not _is_free(port):
            raise MachineError(
                f"port {port} on 127.0.0.1, for {whose}, is taken by another program: end it, or set "
                f"{variable} to a free port (all defaults: {here.conf.with_name('ports.env')})"
            )
    supervision.begin(here)


def _require_reachable(raw: str) -> None:
    if raw.startswith("s3://") and not raw.startswith(f"s3://{BUCKET}/"):
        raise MachineError(
            f"HM_RAW is {raw}, and the programs of this machine speak to its own S3 server alone: give a "
            f"folder, copy the days to s3://{BUCKET}/root/raw, or use servers of your own (deploy/README.md)"
        )


def _chosen(here: Machine, fresh: bool) -> Path:
    """Keep what was chosen, and say it. MachineError where the programs that run were started otherwise."""
    before, now = choices.kept(here.folder), choices.chosen()
    _require_reachable(now.get("HM_RAW", ""))
    if not fresh and (here.folder / choices.FILE).exists() and before != now:
        raise MachineError(
            f"what runs in {here.folder} was started with other choices (then: {choices.told(before)}; now: "
            f"{choices.told(now)}): `make down` first, or call `make up` without them"
        )
    choices.keep(here.folder)
    if now:
        said = f"chosen: {choices.told(now)} (the next `make up` remembers; an empty variable takes one back)"
        console.print(said, soft_wrap=True, markup=False, highlight=False)
    return here.write_env()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just ended counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _enter(here: Machine) -> None:
    """This process speaks to the new servers from now on; Prefect reads its settings when it is imported."""
    from tasks.settings import settings

    os.environ.update(here.environment())
    settings.cache_clear()


def _set_up(here: Machine, fresh: bool) -> None:
    from flows.machine.lost_runs import give_up_lost_runs
    from flows.setup import set_up

    if fresh:
        for name in give_up_lost_runs(here.config):
            console.print(f"given up as Crashed, since its machine was stopped: {name}", markup=False)
    set_up("process")


def _tell(here: Machine, env: str) -> None:
    """What is where, and what to do next."""
    prefect, mlflow, s3 = (here.urls[name] for name in ("prefect", "mlflow", "s3"))
    console.print(
        f"\n[bold]Prefect[/bold]  {prefect}   deployments, runs, what went wrong"
        f"\n[bold]MLflow[/bold]   {mlflow}   models and their figures, by day"
        f"\n[bold]S3[/bold]       {s3}   raw data and results; keys in {env}"
        f"\n[bold]logs[/bold]     {here.folder / 'logs'}"
        f"\n\n  source {env}"
        "\n  hm import complete-journey"
        "\n  prefect deployment run daily/demo --param day=2017-09-13 --watch\n",
        soft_wrap=True,
        highlight=False,
    )
