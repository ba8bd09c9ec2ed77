"""Where MLflow is, and what a night writes there besides the models."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mlflow import MlflowClient

from hm_pipeline.config import RunConfig
from hm_pipeline.data import drift_report
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation, published
from hm_pipeline.evaluation.plots import comparison_figure, learning_curves, longevity_figure
from hm_pipeline.evaluation.profile_figure import item_profiles
from hm_pipeline.evaluation.table import comparison, markdown
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.registry import mlflow_log as log
from hm_pipeline.registry.mlflow_runs import connect, ensure_experiment, find_run
from hm_pipeline.report.outcome import StageCost
from tasks.cards import CARD
from tasks.drift import load_drift
from tasks.evaluate import HOLDOUTS, load_evaluation
from tasks.longevity import load_longevity
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored
from tasks.tables import costs, evaluations
from tasks.watched import Watched, stage_costs

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


def log_card(mlflow: MlflowClient, run_id: str, card: str) -> None:
    """The model card, beside the model's figures."""
    with scratch() as folder:
        (folder / CARD).write_text(card, encoding="utf-8")
        log.log_files(mlflow, run_id, [folder / CARD])


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
    watched: Watched,
) -> None:
    """Comparison, item profiles, ageing and drift as files; their figures beside them."""
    gate = evaluations(run, scores, own)
    with scratch() as folder:
        (folder / "comparison.md").write_text(markdown(comparison(gate, costs(fits))))
        comparison_figure(gate, folder / "comparison.png")
        item_profiles(gate, folder / "item_profiles.png")
        reports = {kind: FitReport(**fit.facts["report"]) for kind, fit in fits.items()}
        learning_curves({k: r.epochs for k, r in reports.items() if r.epochs}, folder / "learning_curves.png")
        (folder / "drift.md").write_text(drift_report.markdown(load_drift(watched.drift)))
        if watched.ageing:
            longevity_figure(watched.ageing, folder / "longevity.png")
        log.log_files(mlflow, run_id, sorted(folder.iterdir()))
    log.log_params(mlflow, run_id, _night_params(run.config))
    seen = {} if watched.shown is None else _shown(watched.shown)
    figures = seen | _drifted(watched) | stage_figures(stage_costs(watched.stages))
    log.log_metrics(mlflow, run_id, figures, at_ms=now_ms())


def _shown(shown: Estimate) -> dict[str, float | None]:
    return {"published_hr": shown.mean, "published_hr_se": shown.se}


def _drifted(watched: Watched) -> dict[str, float | None]:
    """Counts in times the usual, the others as shares."""
    return {f"drift/{f.measure}": f.judged for f in load_drift(watched.drift).findings}


def stage_figures(stages: Sequence[StageCost]) -> dict[str, float | None]:
    """seconds/train-lstm …: what each stage took when it was made."""
    return {f"seconds/{cost.stage.replace(' ', '-')}": cost.seconds for cost in stages}


def log_stages(run: Run, stages: Sequence[StageCost]) -> None:
    """What the stages took, those after the registration among them, in the run of the day."""
    mlflow = client()
    day = find_run(mlflow, experiment(mlflow, run.market), digest=run.digest, level="day")
    if day is not None:
        log.log_metrics(mlflow, str(day.info.run_id), stage_figures(stages), at_ms=now_ms())


def log_page(run: Run, file: Path) -> None:
    """The night's page, into the run of the day."""
    mlflow = client()
    day = find_run(mlflow, experiment(mlflow, run.market), digest=run.digest, level="day")
    if day is not None:
        log.log_files(mlflow, str(day.info.run_id), [file])


def page_of(run: Run) -> str | None:
    """Where a browser finds the run of the day; None without a server."""
    uri = settings().mlflow_tracking_uri
    if not uri.startswith(("http://", "https://")):
        return None
    mlflow = client()
    place = experiment(mlflow, run.market)
    day = find_run(mlflow, place, digest=run.digest, level="day")
    return None if day is None else address_of(uri, place, str(day.info.run_id))


def address_of(server: str, place: str, run_id: str) -> str:
    """A run's page on a tracking server, without the credentials that the server's uri may hold."""
    parts = urlsplit(server)
    host, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
    return f"{parts.scheme}://{host}{path}/#/experiments/{place}/runs/{run_id}"


def log_timeline(
    mlflow: MlflowClient,
    place: str,
    run: Run,
    scores: Scores,
    own: Stored[Evaluation] | None,
    watched: Watched,
) -> None:
    """Figures at this day's place of the timelines: one of the market, one of each model and the champion."""
    for kind, evaluation in evaluations(run, scores, own).items():
        figures = {name: v for name, v in published(evaluation).items() if not name.endswith("_se")}
        log.log_day(mlflow, place, run.market, run.day, figures, of=kind)
    extra = {} if watched.shown is None else {"published_hr": watched.shown.mean}
    aged = {f"longevity/hr_at_age_{p.age}": p.hr for p in load_longevity(watched.longevity)}
    log.log_day(mlflow, place, run.market, run.day, {**extra, **aged, **_drifted(watched)})


def _night_params(config: RunConfig) -> dict[str, object]:
    parts = config.model_dump(mode="json", include={"profile", "samples", "publish", "gate"})
    return {**parts, "window_days": config.market.window_days}
