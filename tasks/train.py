"""Samples to a model with its ids."""

import json
from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.errors import NotThereError
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Progress
from hm_pipeline.registry.card import Learned
from tasks.checkpoints import Mirror
from tasks.deadline import minutes_for
from tasks.job import Done, Job
from tasks.listeners import outlive_the_worker
from tasks.machine import machine
from tasks.order import ROOMS, STAGE, Order
from tasks.progress import under
from tasks.settings import settings
from tasks.spent import Spending, spent_before
from tasks.stage import Stored, kept
from tasks.torchrun import fit_by_ranks


@task(name="train", task_run_name="{order.title}")
def train(order: Order) -> Stored[Release]:
    """The model, fitted here; a candidate on days up to D-2, its epochs chosen on validation users."""
    outlive_the_worker()
    place = Path(order.title.replace(" ", "-")) / order.digest  # of the code too: new code begins anew
    mirror = Mirror.of(order.run.market, str(order.run.day), place)

    def produce(folder: Path) -> dict[str, Any]:
        mirror.fetch()
        spending = Spending(mirror.folder, spent_before(mirror.folder))
        stop = _stopped_at(order)
        job = Job(
            config=order.config,
            samples=order.samples.folder(),
            release=folder,
            checkpoints=mirror.folder,
            copied_to=mirror.key,
            k=order.run.config.publish.k,
            refit=order.refit,
            stop_at_step=stop,
            minutes=minutes_for(order.run, order.kind, spending.before / 60) if stop is None else None,
            spent=spending.before,
        )
        with mirror.in_use():
            done = _by_so_many(order.processes, job, under(order.title))
        seconds = spending.seconds
        _remember_stop(order, done.report)
        return _facts(order, done, seconds)

    stored = kept(order.run, STAGE, order.made_from, ROOMS, produce, title=order.title)
    mirror.drop()  # the model is whole: nobody resumes
    return stored


def _by_so_many(processes: int, job: Job, progress: Progress) -> Done:
    return fit_by_ranks(job, processes, progress) if processes > 1 else job.fit(progress)


def _facts(order: Order, done: Done, seconds: float) -> dict[str, Any]:
    return {
        "kind": order.kind,
        "samples": order.samples.facts["digest"],
        "learned": {name: order.samples.facts[name] for name in Learned.model_fields},
        "report": done.report.model_dump(mode="json"),
        "seconds": seconds,
        "peak_mb": done.peak_mb,
        "price": seconds / 3600 * order.run.config.pool_of(order.kind).rate_per_hour,
        "machine": machine(),
        "said": f"{seconds:.1f} s",
    }


def _stop_key(order: Order) -> str:
    return f"{order.run.market}/{order.run.day}/stopped/{order.digest}.json"


def _stopped_at(order: Order) -> int | None:
    """The step at which the clock ended an earlier fit of the same inputs: the same inputs, the same end.

    Where it is known the clock has no say again, even where that is late.
    """
    try:
        return int(json.loads(settings().storage.read(_stop_key(order)))["step"])
    except NotThereError:
        return None


def _remember_stop(order: Order, report: FitReport) -> None:
    if report.stopped == "time" and report.epochs:
        step = json.dumps({"step": report.epochs[-1].step}).encode()
        settings().storage.create(_stop_key(order), step)
