"""A study where people look: one MLflow parent with a run a variant, and Prefect's artifacts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError

from hm_pipeline.evaluation.evaluate import Evaluation, published
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.release import Release
from hm_pipeline.registry import mlflow_log as log
from hm_pipeline.registry.mlflow_runs import finish_run, open_run
from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.page import Told, note, page
from tasks import tracking
from tasks.artifacts import key_of
from tasks.evaluate import load_evaluation
from tasks.retry import ON_TRACKING
from tasks.run import Run
from tasks.stage import Stored
from tasks.study import ITEMS, Asked


@task(name="log study", **ON_TRACKING)
def log_study(
    run: Run,
    told: Answer,
    settled: Stored[Answer],
    asked: Sequence[Asked],
    fits: Sequence[Stored[Release]],
    scores: Sequence[Stored[Evaluation]],
) -> None:
    """The answer as files of the parent; parameters, curves and figures of each variant in a run below it."""
    parent = open_parent(run, told, settled)
    for one, fit, score in zip(asked, fits, scores, strict=True):
        _log_variant(parent, told, one, fit, score)
    close_parent(parent, told, settled)


@dataclass(frozen=True)
class Parent:
    """A study's run in MLflow."""

    client: MlflowClient
    place: str  # the experiment
    run_id: str
    tags: Mapping[str, str]  # its children have them as well

    def child(self, name: str, own: Mapping[str, str], *made_from: Any) -> str:
        """The id of a run below it, opened."""
        digest = digest_of(self.run_id, *made_from)
        tags = {**self.tags, **own}
        return open_run(
            self.client, self.place, name, digest=digest, level="variant", parent=self.run_id, tags=tags
        )


def open_parent(run: Run, told: Told, settled: Stored[Any]) -> Parent:
    """The run of a study, opened."""
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, f"{run.market}-studies")
    tags = {"market": run.market, "day": str(run.day), "study": told.study.name, "profile": told.profile}
    name = f"{told.study.name} {run.day}"
    run_id = open_run(mlflow, place, name, digest=settled.digest, level="study", tags=tags)
    return Parent(mlflow, place, run_id, tags)


def close_parent(parent: Parent, told: Told, settled: Stored[Any]) -> None:
    """Its declaration and its answer, and it is over."""
    mlflow, run_id, folder = parent.client, parent.run_id, settled.folder()
    log.log_params(mlflow, run_id, told.study.model_dump(mode="json", exclude={"thesis", "fixed"}))
    fixed = ", ".join(f"{path} = {value}" for path, value in told.study.fixed.items())
    log.log_params(mlflow, run_id, {"fixed": fixed})  # MLflow refuses a * in a name
    files = [folder / name for name in ("answer.md", "answer.png", ITEMS)]
    log.log_files(mlflow, run_id, [file for file in files if file.exists()])
    mlflow.set_tag(run_id, "mlflow.note.content", note(told))
    finish_run(mlflow, run_id)


def _log_variant(
    parent: Parent, told: Answer, one: Asked, fit: Stored[Release], score: Stored[Evaluation]
) -> None:
    variant = one.variant
    setting = variant.setting.label(told.study)
    own = {"kind": variant.setting.model, "setting": setting, "seed": str(variant.seed)}
    run_id = parent.child(f"{setting} seed {variant.seed}", own, score.prefix, variant.seed)
    figures = published(load_evaluation(score, told.holdout))
    tracking.log_model(parent.client, run_id, one.run, fit, figures)
    log.log_params(parent.client, run_id, {"setting": setting, "seed_of_study": variant.seed})
    finish_run(parent.client, run_id)


def show_study(run: Run, told: Told) -> None:
    """The answer as an artifact of the flow run, under a key that stays."""
    with suppress(MissingContextError):
        get_run_context()  # outside of one Prefect would start a server for it
        key = key_of("study", f"{told.study.name} {run.market}")
        create_markdown_artifact(page(told), key=key, description=told.study.question, _sync=True)  # type: ignore[call-arg]
