"""A study where people look: one MLflow parent with a run a variant, and Prefect's artifacts."""

from collections.abc import Sequence
from contextlib import suppress

from mlflow import MlflowClient
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import MissingContextError

from hm_pipeline.evaluation.evaluate import Evaluation, published
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.release import Release
from hm_pipeline.registry import mlflow_log as log
from hm_pipeline.registry.mlflow_runs import finish_run, open_run
from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.table import markdown
from hm_pipeline.studies.words import sentence
from tasks import tracking
from tasks.artifacts import key_of
from tasks.evaluate import load_evaluation
from tasks.retry import ON_TRACKING
from tasks.run import Run
from tasks.stage import Stored
from tasks.study import Asked


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
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, f"{run.market}-studies")
    tags = {"market": run.market, "day": str(run.day), "study": told.study.name, "profile": told.profile}
    name = f"{told.study.name} {run.day}"
    parent = open_run(mlflow, place, name, digest=settled.digest, level="study", tags=tags)
    for one, fit, score in zip(asked, fits, scores, strict=True):
        _log_variant(mlflow, place, parent, told, one, fit, score, tags)
    log.log_params(mlflow, parent, told.study.model_dump(mode="json", exclude={"thesis"}))
    folder = settled.folder()
    log.log_files(mlflow, parent, [folder / "answer.md", folder / "answer.png"])
    mlflow.set_tag(parent, "mlflow.note.content", sentence(told))
    finish_run(mlflow, parent)


def _log_variant(
    mlflow: MlflowClient,
    place: str,
    parent: str,
    told: Answer,
    one: Asked,
    fit: Stored[Release],
    score: Stored[Evaluation],
    tags: dict[str, str],
) -> None:
    variant = one.variant
    digest = digest_of(parent, score.prefix, variant.seed)
    setting = variant.setting.label(told.study)
    own = {**tags, "kind": variant.setting.model, "setting": setting, "seed": str(variant.seed)}
    name = f"{setting} seed {variant.seed}"
    run_id = open_run(mlflow, place, name, digest=digest, level="variant", parent=parent, tags=own)
    figures = published(load_evaluation(score, told.holdout))
    tracking.log_model(mlflow, run_id, one.run, fit, figures)
    log.log_params(mlflow, run_id, {"setting": setting, "seed_of_study": variant.seed})
    finish_run(mlflow, run_id)


def show_study(run: Run, told: Answer) -> None:
    """The answer as an artifact of the flow run, under a key that stays."""
    with suppress(MissingContextError):
        key = key_of(f"study-{told.study.name.replace('_', '-')}", run.market)
        create_markdown_artifact(markdown(told), key=key, description=told.study.question, _sync=True)  # type: ignore[call-arg]
