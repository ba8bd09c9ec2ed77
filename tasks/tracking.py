"""Where MLflow is, and what a night writes there besides the models."""

import os
import time
from collections.abc import Mapping

from mlflow import MlflowClient

from hm_pipeline.config import RunConfig
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation, published
from hm_pipeline.evaluation.plots import comparison_figure, learning_curves
from hm_pipeline.evaluation.table import comparison, markdown
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.registry import mlflow_log as log
from hm_pipeline.registry.mlflow_runs import connect, ensure_experiment
from tasks.evaluate import HOLDOUTS, load_evaluation
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored
from tasks.tables import costs, evaluations

Fits = Mapping[str, Stored[Release]]
Scores = Mapping[str, Stored[Evaluation]]


def client() -> MlflowClient:
    """MLflow as the environment names it, or the database below HM_WORK."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    return connect(settings().mlflow_tracking_uri)


def experiment(mlflow: MlflowClient, market: str) -> str:
    """The market's experiment."""
    return ensure_experiment(mlflow, f"hm-{market}", settings().artifact_location or "")


def now_ms() -> int:
    """The tracking server's kind of clock; no data depends on it."""
    return int(time.time() * 1000)


def log_model(
    mlflow: MlflowClient, run_id: str, run: Run, fit: Stored[Release], figures: dict[str, float]
) -> None:
    """Parameters, curves and final figures of one model, under the same names for all."""
    kind = fit.facts["kind"]
    report = FitReport(**fit.facts["report"])
    log.log_params(mlflow, run_id, run.config.models[kind].model_dump(mode="json"))
    log.log_epochs(mlflow, run_id, report.epochs, at_ms=now_ms())
    cost = {name: fit.facts[name] for name in ("seconds", "peak_mb", "price")}
    chosen = {"chosen_epochs": report.chosen_epochs, **report.facts}
    log.log_metrics(mlflow, run_id, {**figures, **cost, **chosen}, at_ms=now_ms())


def figures_of(run: Run, score: Stored[Evaluation]) -> dict[str, float]:
    """hr_at_14 … of the gate's holdout under their plain names, of the others with the holdout before."""
    target = run.config.publish.gate_target
    named: dict[str, float] = {}
    for holdout in HOLDOUTS:
        prefix = "" if holdout == target else f"{holdout}_"
        figures = published(load_evaluation(score, holdout))
        named |= {f"{prefix}{name}": value for name, value in figures.items()}
    return named


def log_night(
    mlflow: MlflowClient,
    run_id: str,
    run: Run,
    fits: Fits,
    scores: Scores,
    own: Stored[Evaluation] | None,
    shown: Estimate | None,
) -> None:
    """The comparison as a figure and a table, and what the lists of the night before did."""
    gate = evaluations(run, scores, own)
    with scratch() as folder:
        (folder / "comparison.md").write_text(markdown(comparison(gate, costs(fits))))
        comparison_figure(gate, folder / "comparison.png")
        reports = {kind: FitReport(**fit.facts["report"]) for kind, fit in fits.items()}
        learning_curves({k: r.epochs for k, r in reports.items() if r.epochs}, folder / "learning_curves.png")
        log.log_files(mlflow, run_id, sorted(folder.iterdir()))
    log.log_params(mlflow, run_id, _night_params(run.config))
    if shown is not None:
        seen = {"published_hr": shown.mean, "published_hr_se": shown.se}
        log.log_metrics(mlflow, run_id, seen, at_ms=now_ms())


def log_timeline(mlflow: MlflowClient, place: str, run: Run, scores: Scores, shown: Estimate | None) -> None:
    """Every model's figures at this day's place of the market's one timeline."""
    days = {
        f"{kind}/{name}": value
        for kind, score in scores.items()
        for name, value in published(load_evaluation(score, run.config.publish.gate_target)).items()
        if not name.endswith("_se")
    }
    extra = {} if shown is None else {"published_hr": shown.mean}
    log.log_day(mlflow, place, run.market, run.day, {**days, **extra})


def _night_params(config: RunConfig) -> dict[str, object]:
    parts = config.model_dump(mode="json", include={"profile", "samples", "publish", "gate"})
    return {**parts, "window_days": config.market.window_days}
