"""Samples to a model with its ids."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import NotThereError
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.registry.promotion import Verdict
from tasks.job import Job
from tasks.progress import under
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept
from tasks.torchrun import fit_by_ranks

ROOMS = ("data", "index", "models", "training")


@task(name="train", task_run_name="train {kind}")
def train(run: Run, samples: Stored[Samples], kind: str) -> Stored[Release]:
    """A candidate: fitted on days up to D-2, its epochs chosen on validation users."""
    return _fitted(run, samples, kind, None, f"train {kind}")


@task(name="refit")
def refit_winner(
    run: Run, everything: Stored[Samples], fits: Mapping[str, Stored[Release]], verdict: Verdict
) -> Stored[Release] | None:
    """The winner, fitted again on days up to D-1 as its candidate chose (epochs, weights); None: nobody won.

    A market that turned the refit off promotes the candidate as it is.
    """
    if verdict.promoted is None:
        return None
    candidate = fits[verdict.promoted]
    if not run.config.publish.refit:
        return candidate
    chosen = FitReport(**candidate.facts["report"])
    return _fitted(run, everything, verdict.promoted, chosen, f"refit {verdict.promoted}")


def _fitted(
    run: Run, samples: Stored[Samples], kind: str, refit: FitReport | None, title: str
) -> Stored[Release]:
    config, k = run.config.models[kind], run.config.publish.k
    chosen = None if refit is None else refit.model_dump(mode="json")
    processes = run.config.processes_of(kind)
    made_from = [samples.prefix, config.model_dump(mode="json"), k, chosen, processes]
    checkpoints = settings().work / "checkpoints" / run.market / str(run.day) / title.replace(" ", "-")

    def produce(folder: Path) -> dict[str, Any]:
        job = Job(
            config=config,
            samples=samples.folder(),
            release=folder,
            checkpoints=checkpoints / samples.digest / config.fingerprint(),
            k=k,
            refit=refit,
            stop_at_step=_stopped_at(run, made_from),
            minutes=run.config.publish.max_train_minutes,
        )
        start = time.perf_counter()
        done = fit_by_ranks(job, processes, under(title)) if processes > 1 else job.fit(under(title))
        seconds = time.perf_counter() - start
        _remember_stop(run, made_from, done.report)
        rate = run.config.pool_of(kind).rate_per_hour
        return {
            "kind": kind,
            "samples": samples.facts["digest"],
            "report": done.report.model_dump(mode="json"),
            "seconds": seconds,
            "peak_mb": done.peak_mb,
            "price": seconds / 3600 * rate,
            "said": f"{seconds:.1f} s",
        }

    stored = kept(run, "model", made_from, ROOMS, produce, title=title)
    shutil.rmtree(checkpoints, ignore_errors=True)  # the model is whole: nobody resumes
    return stored


def _stop_key(run: Run, made_from: object) -> str:
    return f"{run.market}/{run.day}/stopped/{digest_of(made_from)}.json"


def _stopped_at(run: Run, made_from: object) -> int | None:
    """The step at which the clock ended an earlier fit of the same inputs: the same inputs, the same end."""
    try:
        return int(json.loads(settings().storage.read(_stop_key(run, made_from)))["step"])
    except NotThereError:
        return None


def _remember_stop(run: Run, made_from: object, report: FitReport) -> None:
    if report.stopped == "time" and report.epochs:
        step = json.dumps({"step": report.epochs[-1].step}).encode()
        settings().storage.create(_stop_key(run, made_from), step)
