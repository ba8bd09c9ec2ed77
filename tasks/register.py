"""Every candidate becomes a registered version; only the winner keeps its users."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from prefect import task

import hm_pipeline
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import RegistryError
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.release import Release, forget, without_users
from hm_pipeline.registry import mlflow_registry as registry
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.mlflow_runs import close_abandoned, finish_run, open_run
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.pyfunc import save_pyfunc
from hm_pipeline.registry.state import State
from tasks import tracking
from tasks.code import revision
from tasks.run import Run
from tasks.scratch import scratch
from tasks.stage import Stored
from tasks.tracking import Fits, Scores

_CONSTRAINTS = Path(hm_pipeline.__file__).parents[1] / "constraints.txt"


def _tracking_failed(_task: object, _run: object, state: object) -> bool:
    return isinstance(state.result(raise_on_failure=False), RegistryError)  # type: ignore[attr-defined]


@task(name="register", retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=_tracking_failed)
def register(
    run: Run,
    samples: Stored[Samples],
    fits: Fits,
    scores: Scores,
    own: Stored[Evaluation] | None,
    verdict: Verdict,
    winner: Stored[Release] | None,
    shown: Estimate | None,
) -> dict[str, ModelRef]:
    """A parent run of the day, a nested run and a version a model; all found again by their digests."""
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, run.market)
    with _day_run(mlflow, place, run, samples, verdict) as parent:
        versions = {
            kind: _candidate(
                mlflow, place, parent, run, fits[kind], scores[kind],
                winner if winner is not None and kind == verdict.winner else None,
            )
            for kind in fits
        }  # fmt: skip
        tracking.log_night(mlflow, parent, run, fits, scores, own, shown)
    tracking.log_timeline(mlflow, place, run, scores, shown)
    return versions


@contextmanager
def _day_run(
    mlflow: MlflowClient, place: str, run: Run, samples: Stored[Samples], verdict: Verdict
) -> Iterator[str]:
    """The run of the day, resumed where it exists; over in any case when this is left."""
    tags = _tags(run, samples.facts["digest"]) | {"hm.verdict": verdict.reason, "hm.step": verdict.step}
    name = f"{run.market} {run.day}"
    close_abandoned(mlflow, place, run.market, run.day, keep=run.digest)
    parent = open_run(mlflow, place, name, digest=run.digest, level="day", tags=tags)
    try:
        yield parent
    except BaseException:
        finish_run(mlflow, parent, "FAILED")
        raise
    finish_run(mlflow, parent)


def _candidate(
    mlflow: MlflowClient,
    place: str,
    parent: str,
    run: Run,
    fit: Stored[Release],
    score: Stored[Evaluation],
    refitted: Stored[Release] | None,
) -> ModelRef:
    """One model's run and version: the refitted release where it won, else the candidate, anonymous."""
    kind, release = fit.facts["kind"], refitted or fit
    digest = digest_of(run.digest, kind)
    tags = _tags(run, fit.facts["samples"]) | {"kind": kind}
    run_id = open_run(
        mlflow, place, f"{kind} {run.day}", digest=digest, level="model", parent=parent, tags=tags
    )
    figures = tracking.figures_of(run, score)
    tracking.log_model(mlflow, run_id, run, fit, figures)
    version_digest = digest_of(digest, release.prefix)
    version = _version(mlflow, run_id, run, release, refitted is not None, version_digest, tags)
    finish_run(mlflow, run_id)
    return ModelRef(
        kind=kind, day=run.day, version=version, uri=release.prefix, run_id=run_id, run_digest=version_digest
    )


def _version(
    mlflow: MlflowClient,
    run_id: str,
    run: Run,
    release: Stored[Release],
    with_users: bool,
    digest: str,
    tags: Mapping[str, str],
) -> int:
    name = registry.model_name(run.market)
    known = registry.find_version(mlflow, name, digest)
    if known is not None:
        return known
    told = {**tags, "users": str(with_users).lower(), "refitted": str(with_users).lower()}
    with scratch() as place:
        copy, model = place / "release", place / "model"
        shutil.copytree(release.folder(), copy)
        if not with_users:
            without_users(copy)
        constraints = _CONSTRAINTS if _CONSTRAINTS.exists() else None
        save_pyfunc(copy, model, kind=tags["kind"], constraints=constraints)
        return registry.register(mlflow, name, run_id, model, digest=digest, tags=told)


def _tags(run: Run, data: str) -> dict[str, str]:
    return {
        "market": run.market,
        "day": run.day.isoformat(),
        "profile": run.config.profile,
        "hm.data": data,
        "hm.code": revision(),
        "hm.run": run.digest,
    }


def align_aliases(market: str, now: State) -> None:
    """champion, challenger and previous say what the ledger says."""
    if now.seq:
        registry.align_aliases(tracking.client(), registry.model_name(market), now)


def forget_users(market: str, now: State, users: frozenset[str]) -> list[str]:
    """Erase users in every registered version that holds any; which ones were rewritten."""
    if not now.decisions:
        return []
    mlflow, name = tracking.client(), registry.model_name(market)
    return [
        registry.version_uri(name, version)
        for version in registry.versions(mlflow, name)
        if _forget(mlflow, name, version, users)
    ]


def _forget(mlflow: MlflowClient, name: str, version: int, users: frozenset[str]) -> int:
    with scratch() as place:
        return registry.forget_users(mlflow, name, version, place, lambda folder: forget(folder, users))
