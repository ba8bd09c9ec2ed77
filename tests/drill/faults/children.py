"""SIGKILL on the pools where models are trained, while a night waits for them."""

import shutil
from datetime import date

from drill.fault import Fault, Injury
from drill.faults.stages import request_of
from drill.stand import NIGHT_SECONDS, Stand


def kill_cpu_child(stand: Stand, days: list[date]) -> list[Injury]:
    """The process that trains on the CPU pool is killed: its worker says so, and the night has another one train."""
    with stand.held_at(request_of("train cpu", days[0])) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "train cpu")
        stand.kill_run(stand.child("cpu"))
    return [_waited(stand, run, "CPU pool's process", "train cpu", "re-attach")]


def kill_gpu_child(stand: Stand, days: list[date]) -> list[Injury]:
    """The process that trains on the GPU pool is killed after a checkpoint: the night has another one go on from
    there, and the slot of the limit gpu comes back."""
    with stand.held_at(_pointer(days[0]), after=True) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "train gpu")
        stand.kill_run(stand.child("gpu"))
    return [_waited(stand, run, "GPU pool's process", "train gpu", "re-attach", "lease of the slot")]


def kill_gpu_worker(stand: Stand, days: list[date]) -> list[Injury]:
    """The GPU pool's worker is killed: supervisord starts it again, and the training, which lives on, is not made twice."""
    with stand.held_at(_pointer(days[0]), after=True) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "train gpu")
        child, old = stand.child("gpu"), stand.pid_of_worker("gpu")
        stand.kill_worker("gpu")
        stand.worker_is_back("gpu", old)
    injury = _waited(stand, run, "GPU pool's worker", "train gpu", "supervisord")
    assert stand.prefect.state(child) == "COMPLETED", stand.prefect.told(child)
    return [injury]


def lose_gpu_host(stand: Stand, days: list[date]) -> list[Injury]:
    """The GPU pool's worker and its training are killed and that machine's disk is lost: missing heartbeats tell the
    night, which has another training go on from the checkpoint in the bucket; the slot comes back."""
    with stand.held_at(_pointer(days[0]), after=True) as gate:
        run = stand.night(days[0])
        stand.came_to(gate, "train gpu")
        stand.kill_host("gpu", stand.child("gpu"))
        shutil.rmtree(stand.live.folder / "work" / "checkpoints")
    healers = ("supervisord", "heartbeats", "re-attach", "lease of the slot")
    return [_waited(stand, run, "GPU pool's process, worker and disk", "train gpu", *healers)]


def _pointer(day: date) -> str:
    """A checkpoint is whole in the bucket."""
    return request_of("train gpu", day) + ".*/pointer.json"


def _waited(stand: Stand, run: str, broken: str, when: str, *healers: str) -> Injury:
    ended = stand.prefect.ended(run, 2 * NIGHT_SECONDS)
    return Injury(broken, when, ended, healers)


FAULTS = (
    Fault("cpu-child", kill_cpu_child),
    Fault("gpu-child", kill_gpu_child),
    Fault("gpu-worker", kill_gpu_worker),
    Fault("gpu-host", lose_gpu_host),
)
