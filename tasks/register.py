"""Every candidate becomes a registered version; only the winner keeps its users, where it learned any."""

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from mlflow import MlflowClient
from prefect import task

from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.release import Release, forget, forget_all, without_users
from hm_pipeline.registry import mlflow_registry as registry
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.mlflow_runs import close_abandoned, colour_of, finish_run, open_run
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.pyfunc import save_pyfunc
from hm_pipeline.registry.refusal import superseded
from hm_pipeline.registry.state import State
from tasks import ledger, tracking
from tasks.cards import CARD, card_of, keeps_users
from tasks.code import revision
from tasks.erase_list import erase_list
from tasks.retry import ON_STORAGE_OR_TRACKING
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored
from tasks.tracking import Fits, Scores
from tasks.watched import Watched

log = logging.getLogger("hm")


@task(name="register", **ON_STORAGE_OR_TRACKING)
def register(
    run: Run,
    samples: Stored[Samples],
    fits: Fits,
    scores: Scores,
    own: Stored[Evaluation] | None,
    verdict: Verdict,
    winner: Stored[Release] | None,
    watched: Watched,
) -> dict[str, ModelRef]:
    """A parent run of the day, a nested run and a version a model; all found again by their digests."""
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, run.market)
    with _day_run(mlflow, place, run, samples, verdict) as parent:
        versions = {}
        for kind, fit in fits.items():
            refitted = winner if kind == verdict.promoted else None
            card = card_of(run, fit, refitted, scores, verdict)
            versions[kind] = _candidate(mlflow, place, parent, run, fit, scores[kind], refitted, card)
        tracking.log_night(mlflow, parent, run, fits, scores, own, watched)
    tracking.log_timeline(mlflow, place, run, scores, own, watched)
    return versions


@task(name="withdraw", **ON_STORAGE_OR_TRACKING)
def withdraw(run: Run, fits: Fits, scores: Scores, verdict: Verdict, ref: ModelRef) -> None:
    """A version whose promotion was taken back says so, and knows nobody by id any more."""
    mlflow, name, fit = tracking.client(), registry.model_name(run.market), fits[ref.kind]
    _forget(mlflow, name, ref.version, forget_all)
    registry.mark_without_users(mlflow, name, ref.version)
    registry.describe(mlflow, name, ref.version, card_of(run, fit, None, scores, verdict), CARD)


def withdraw_overtaken(
    run: Run, fits: Fits, scores: Scores, promised: Mapping[int, tuple[ModelRef, Verdict]], decision: Decision
) -> None:
    """The versions that were registered as champion by a verdict which did not come into the ledger.

    Two processes of one run may have registered one model twice: both versions are the one artifact.
    """
    office = decision.champion and decision.champion.run_digest
    for ref, verdict in promised.values():
        if ref.run_digest != office:
            withdraw(run, fits, scores, superseded(verdict, decision), ref)


@contextmanager
def _day_run(
    mlflow: MlflowClient, place: str, run: Run, samples: Stored[Samples], verdict: Verdict
) -> Iterator[str]:
    """The run of the day, resumed where it exists."""
    tags = _tags(run, samples.facts["digest"]) | {"hm.verdict": verdict.reason, "hm.step": verdict.step}
    close_abandoned(mlflow, place, run.market, run.day, keep=run.digest)
    name = f"{run.market} {run.day}"
    with _ended(mlflow, open_run(mlflow, place, name, digest=run.digest, level="day", tags=tags)) as parent:
        yield parent


@contextmanager
def _ended(mlflow: MlflowClient, run_id: str) -> Iterator[str]:
    """A run that is over in any case when this is left."""
    try:
        yield run_id
    except BaseException:
        finish_run(mlflow, run_id, "FAILED")
        raise
    finish_run(mlflow, run_id)


def _candidate(
    mlflow: MlflowClient,
    place: str,
    parent: str,
    run: Run,
    fit: Stored[Release],
    score: Stored[Evaluation],
    refitted: Stored[Release] | None,
    card: str,
) -> ModelRef:
    """One model's run and version: the refitted release where it won, else the candidate, anonymous."""
    kind, release = fit.facts["kind"], refitted or fit
    digest = digest_of(run.digest, kind)
    tags = _tags(run, fit.facts["samples"]) | {"kind": kind}
    version_digest = digest_of(digest, release.prefix)
    name = f"{kind} {run.day}"
    drawn = tags | colour_of(kind)
    opened = open_run(mlflow, place, name, digest=digest, level="model", parent=parent, tags=drawn)
    with _ended(mlflow, opened) as run_id:
        tracking.log_model(mlflow, run_id, run, fit, tracking.figures_of(run, score))
        tracking.log_card(mlflow, run_id, card)
        version = _version(mlflow, run_id, run, release, keeps_users(refitted), version_digest, tags, card)
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
    card: str,
) -> int:
    name = registry.model_name(run.market)
    known = registry.find_version(mlflow, name, digest, with_users=with_users)
    if known is not None:
        registry.describe(mlflow, name, known, card, CARD)  # an earlier try's verdict may have been another
        return known
    told = {**tags, "users": str(with_users).lower()}  # the winner keeps them
    before = ledger.erasures(run.market)
    with scratch() as place:
        copy, model = place / "release", place / "model"
        shutil.copytree(release.folder(), copy)
        if not with_users:
            without_users(copy)
        constraints = settings().constraints if settings().constraints.exists() else None
        save_pyfunc(copy, model, kind=tags["kind"], constraints=constraints)
        (model / CARD).write_text(card, encoding="utf-8")
        made = registry.register(mlflow, name, run_id, model, digest=digest, tags=told, description=card)
    if with_users and ledger.erasures(run.market) != before:  # the copy may know who was forgotten since
        _forget(mlflow, name, made, lambda folder: forget(folder, erase_list(run.market)))
    return made


def _tags(run: Run, data: str) -> dict[str, str]:
    return {
        "market": run.market,
        "day": run.day.isoformat(),
        "profile": run.config.profile,
        "hm.data": data,
        "hm.code": revision(),
        "hm.run": run.digest,
    }


def align_aliases(market: str) -> State:
    """champion, challenger and previous say what the ledger says; which state that is.

    MLflow has no condition on an alias: who set one by an entry that is no longer the last looks again.
    """
    while True:
        now = ledger.current(market)
        if now.seq:
            for change in registry.align_aliases(tracking.client(), registry.model_name(market), now):
                log.info("%s: alias %s", market, change)
        if ledger.current(market).seq == now.seq:
            return now


def forget_users(market: str, users: frozenset[str]) -> list[str]:
    """Erase users in every registered version that holds any; which ones were rewritten."""
    mlflow, name = tracking.client(), registry.model_name(market)
    return [
        registry.version_uri(name, version)
        for version in registry.versions(mlflow, name)
        if _forget(mlflow, name, version, lambda folder: forget(folder, users))
    ]


def retire_users(market: str, now: State, last: date) -> None:
    """Forget everybody in the versions made up to `last`, but for the champion and the one before."""
    mlflow, name = tracking.client(), registry.model_name(market)
    office = {ref.version for ref in (now.champion, now.previous) if ref}
    for version in registry.versions_with_users(mlflow, name, last):
        if version not in office:
            _forget(mlflow, name, version, forget_all)
            registry.mark_without_users(mlflow, name, version)


def _forget(mlflow: MlflowClient, name: str, version: int, how: Callable[[Path], int]) -> int:
    with scratch() as place:
        return registry.forget_users(mlflow, name, version, place, how)
