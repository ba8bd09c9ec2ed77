"""S3 that answers 503, takes long, hangs up, takes half of what it is sent, or does as told and says nothing."""

import time
from collections.abc import Callable
from datetime import date

from drill.fault import Fault, Injury, Strike
from drill.faults.stages import request_of
from drill.proxy import Exchange, Trouble, answer_lost, busy, cut, dropped, slow
from drill.stand import NIGHT_SECONDS, Stand

EVERYTHING = "."


def ill_for(seconds: float, stage: str, what: str, happens: Callable[[Exchange], None]) -> Strike:
    """S3 is ill for so long, from the moment on when a stage's first file travels."""

    def strike(stand: Stand, days: list[date]) -> list[Injury]:
        """For a while S3 answers nobody as it should: tasks try again, or the night fails and the next check for
        gaps goes on where it stopped."""
        trouble = Trouble(EVERYTHING, happens)
        with stand.held_at(request_of(stage, days[0])) as gate:
            run = stand.night(days[0])
            stand.came_to(gate, stage)
            with stand.proxy.trouble(trouble):
                gate.open.set()
                time.sleep(seconds)
        ended = stand.prefect.ended(run, NIGHT_SECONDS)
        told = f"{what} for {seconds:g} s, {trouble.met} requests"
        return [Injury(told, stage, ended, _healers(ended))]

    return strike


def some_of(times: int, stage: str, what: str, happens: Callable[[Exchange], None]) -> Strike:
    """The first requests of a stage go wrong."""

    def strike(stand: Stand, days: list[date]) -> list[Injury]:
        """Some requests of one stage go wrong: they are sent again, or the night fails and the next check for gaps
        goes on where it stopped; nothing half is ever seen."""
        trouble = Trouble(request_of(stage, days[0]), happens, times=times)
        with stand.proxy.trouble(trouble):
            run = stand.night(days[0])
            while trouble.met < times and stand.prefect.state(run) not in {"COMPLETED", "FAILED", "CRASHED"}:
                time.sleep(0.5)
            stand.struck()
            ended = stand.prefect.ended(run, NIGHT_SECONDS)
        return [Injury(f"{what}, {trouble.met} requests", stage, ended, _healers(ended))]

    return strike


def _healers(ended: str) -> tuple[str, ...]:
    return ("retry",) if ended == "COMPLETED" else ()


FAULTS = (
    Fault("s3-503", ill_for(15, "samples", "S3 answers 503", busy)),
    Fault("s3-503-at-the-commit", ill_for(15, "commit", "S3 answers 503", busy)),
    Fault("s3-slow", ill_for(40, "evaluate", "S3 takes 1.5 s longer for each request", slow(1.5))),
    Fault("s3-drops", ill_for(15, "lists", "S3 drops connections", dropped)),
    Fault("s3-cuts", some_of(2, "samples", "uploads are cut half-way", cut)),
    Fault("s3-cuts-all", some_of(12, "lists", "uploads are cut half-way, each time", cut)),
    Fault("s3-silent-commit", some_of(1, "commit", "the answer to the commit is lost", answer_lost)),
    Fault(
        "s3-silent-pointer", some_of(1, "publish", "the answer to the pointer's move is lost", answer_lost)
    ),
)
