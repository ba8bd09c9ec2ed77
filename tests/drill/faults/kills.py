"""SIGKILL to a night, to its worker, to both, in every stage."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

from drill.fault import Fault, Injury, Strike
from drill.faults.stages import STAGES, request_of
from drill.stand import NIGHT_SECONDS, Stand

HEARTBEATS = (
    240.0  # seconds in which three missed heartbeats, and the server that counts them, must be through
)


def kill_flow(stage: str) -> Strike:
    """The night's process is killed in a stage."""

    def strike(stand: Stand, days: list[date]) -> list[Injury]:
        """The night's process is killed with SIGKILL in this stage: the worker says so, readers see the lists of
        before or of tonight, whole, and the next check for gaps goes on where it stopped."""
        with stand.held_at(request_of(stage, days[0])) as gate:
            run = stand.night(days[0])
            stand.came_to(gate, stage)
            stand.kill_run(run)
        ended = stand.prefect.ended(run, 60)
        return [Injury("flow process", stage, ended)]

    return strike


def kill_worker(stand: Stand, days: list[date]) -> list[Injury]:
    """The orchestrator's worker is killed with SIGKILL once in every stage of one night: supervisord starts it
    again each time, and the night, whose process lives on, comes to its end by itself."""
    injuries = []
    with ExitStack() as gates:
        held = {stage: gates.enter_context(stand.held_at(request_of(stage, days[0]))) for stage in STAGES}
        run = stand.night(days[0])
        for stage, gate in held.items():
            stand.came_to(gate, stage)
            old = stand.pid_of_worker("orchestrator")
            stand.kill_worker("orchestrator")
            stand.worker_is_back("orchestrator", old)
            gate.open.set()
            injuries.append(Injury("orchestrator's worker", stage, "the run went on", ("supervisord",)))
    ended = stand.prefect.ended(run, NIGHT_SECONDS)
    assert ended == "COMPLETED", stand.prefect.told(run)
    return injuries


def kill_host(stages: Sequence[str]) -> Strike:
    """The machine of the orchestrator's worker is lost, with a night in each of these stages, the last one first."""

    def strike(stand: Stand, days: list[date]) -> list[Injury]:
        """The orchestrator's worker and its night are killed with SIGKILL at once, on the first run date in the last of
        these stages, on the next in the one before, and so on: nobody reports anything, the automation on heartbeats
        finds each, and one check for gaps runs all of these nights, oldest first."""
        runs = []
        for stage, day in zip(reversed(stages), days, strict=True):
            with stand.held_at(request_of(stage, day)) as gate:
                runs.append(stand.night(day))
                stand.came_to(gate, stage)
                old = stand.pid_of_worker("orchestrator")
                stand.kill_host("orchestrator", runs[-1])
            stand.worker_is_back("orchestrator", old)
        ended = [stand.prefect.ended(run, HEARTBEATS) for run in runs]
        healers = ("supervisord", "heartbeats")
        return [
            Injury("flow process and worker", stage, end, healers)
            for stage, end in zip(reversed(stages), ended, strict=True)
        ]

    return strike


BEFORE, AFTER = list(STAGES)[:5], list(STAGES)[5:]

FAULTS = (
    *(Fault(f"flow-{stage.replace(' ', '-')}", kill_flow(stage)) for stage in STAGES),
    Fault("worker", kill_worker),
    Fault("host-until-evaluate", kill_host(BEFORE), days=len(BEFORE)),
    Fault("host-from-register", kill_host(AFTER), days=len(AFTER)),
)
