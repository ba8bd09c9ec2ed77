"""Servers that are away, workers that nobody started, a disk that is full."""

import subprocess
import time
from datetime import date

from live_machine import until

from drill.fault import Fault, Injury, SkippedError
from drill.faults.stages import request_of
from drill.stand import NIGHT_SECONDS, Stand

MINUTE = 60


def lose_mlflow_for_a_minute(stand: Stand, days: list[date]) -> list[Injury]:
    """MLflow is away for a minute while a night is about to register: it is asked again, and the night comes to its
    end by itself."""
    with stand.held_at(request_of("evaluate", days[0])) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "evaluate")
        with stand.without("servers:mlflow"):
            gate.open.set()
            time.sleep(MINUTE)
    ended = stand.prefect.ended(run, NIGHT_SECONDS)
    return [Injury(f"MLflow, for {MINUTE} s", "evaluate", ended, ("retry",) if ended == "COMPLETED" else ())]


def lose_mlflow(stand: Stand, days: list[date]) -> list[Injury]:
    """MLflow goes away and stays away: the night fails, yesterday's lists stay and are marked as stale; once it is back
    the next check for gaps goes on where it stopped."""
    with stand.held_at(request_of("evaluate", days[0])) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "evaluate")
        with stand.without("servers:mlflow"):
            gate.open.set()
            ended = stand.prefect.ended(run, 2 * NIGHT_SECONDS)
            told = stand.prefect.told(run)
    return [Injury("MLflow, until the night had failed", "evaluate", f"{ended}: {told[:200]}")]


def restart_prefect(stand: Stand, days: list[date]) -> list[Injury]:
    """Prefect's server is stopped and started again while a night waits for its trainings: all go on, or the next check
    for gaps takes up what ended."""
    with stand.held_at(request_of("train gpu", days[0])) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "train gpu")
        with stand.without("servers:prefect"):
            gate.open.set()
            time.sleep(10)
    ended = stand.prefect.ended(run, NIGHT_SECONDS)
    return [Injury("Prefect's server, for 10 s and its start", "train gpu", ended, ("supervisord",))]


def kill_prefect(stand: Stand, days: list[date]) -> list[Injury]:
    """Prefect's server is killed with SIGKILL while a night registers: supervisord starts it again; the night goes on,
    or the next check for gaps takes it up."""
    with stand.held_at(request_of("register", days[0])) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "register")
        stand.kill_program("servers:prefect")
    ended = stand.prefect.ended(run, NIGHT_SECONDS)
    return [Injury("Prefect's server, killed", "register", ended, ("supervisord",))]


def have_no_gpu_worker(stand: Stand, days: list[date]) -> list[Injury]:
    """The GPU pool has no worker: the webhook is told, the night fails after the pool's `wait_minutes` with an error
    that names the pool, yesterday's lists stay and are marked as stale; with a worker the next check for gaps makes
    the day."""
    with stand.without("workers:gpu"):
        stand.struck()
        run = stand.night(days[0])
        ended = stand.prefect.ended(run, NIGHT_SECONDS)
        told = stand.prefect.told(run)
        heard = until(lambda: [said for said in stand.live.told() if said["state"] == "not ready"], 180)
    assert ended == "FAILED", told
    assert "gpu-pool has no worker" in told, told
    assert heard, "the webhook was not told"
    assert "gpu-pool" in heard[-1]["text"], heard
    return [Injury("no worker of the GPU pool", "train gpu", ended)]


def fill_the_disk(stand: Stand, days: list[date]) -> list[Injury]:
    """The workers' disk is full (a file system of 300 kB lies over HM_WORK): the night fails, yesterday's lists stay
    and are marked as stale; with room again the next check for gaps makes the day."""
    work = stand.live.folder / "work"
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(work)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SkippedError(f"no small file system could be mounted: {made.stderr.strip()}")
    try:
        stand.struck()
        run = stand.night(days[0])
        ended = stand.prefect.ended(run, NIGHT_SECONDS)
        told = stand.prefect.told(run)
    finally:
        subprocess.run(["umount", "--lazy", str(work)], check=True)
    assert ended == "FAILED", told
    return [Injury("room on the workers' disk", "from the start", f"{ended}: {told[:200]}")]


FAULTS = (
    Fault("mlflow-for-a-minute", lose_mlflow_for_a_minute),
    Fault("mlflow-for-good", lose_mlflow, leaves_stale=True),
    Fault("prefect-restarted", restart_prefect),
    Fault("prefect-killed", kill_prefect),
    Fault("no-gpu-worker", have_no_gpu_worker, leaves_stale=True),
    Fault("disk-full", fill_the_disk, leaves_stale=True),
)
