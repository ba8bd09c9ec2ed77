"""What is written into a run: parameters, curves, final figures, files. Each may be said twice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from hm_pipeline.models.fitting import EpochReport
from hm_pipeline.registry.explained import explained
from hm_pipeline.registry.mlflow_runs import colour_of, find_run, finish_run, open_run

_AT_ONCE = {"metrics": 1000, "params": 100}  # what one call of MLflow takes
_LONGEST = 6000  # characters of a parameter's value
_EPOCH = date(1970, 1, 1)


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, Any]) -> None:
    """Log a configuration, nested keys joined by dots; what the run knows already is not sent again."""
    with explained(f"log parameters of the run {run_id}"):
        known = client.get_run(run_id).data.params
        new = [Param(k, str(v)[:_LONGEST]) for k, v in _flat(params) if k not in known]
        for start in range(0, len(new), _AT_ONCE["params"]):
            client.log_batch(run_id, params=new[start : start + _AT_ONCE["params"]])


def log_metrics(
    client: MlflowClient, run_id: str, metrics: Mapping[str, float | None], *, at_ms: int
) -> None:
    """Log final figures; nulls are left out, and so is what stands there with the same value."""
    with explained(f"log figures of the run {run_id}"):
        known = client.get_run(run_id).data.metrics
        _send(client, run_id, [Metric(k, v, at_ms, 0) for k, v in _finite(metrics) if known.get(k) != v])


def log_epochs(client: MlflowClient, run_id: str, epochs: Sequence[EpochReport], *, at_ms: int) -> None:
    """Log loss, validation_hr and rate by step; steps that an earlier attempt logged are left out."""
    with explained(f"log the epochs of the run {run_id}"):
        logged = {metric.step for metric in client.get_metric_history(run_id, "loss")}
        curves = [
            Metric(name, value, at_ms, report.step)
            for report in epochs
            if report.step not in logged
            for name, value in _finite(_curve(report))
        ]
        _send(client, run_id, curves)


def log_files(client: MlflowClient, run_id: str, files: Sequence[Path], folder: str | None = None) -> None:
    """Log figures and tables as they lie on disk, below `folder` of the run's artifacts."""
    with explained(f"log {len(files)} files of the run {run_id}"):
        for file in files:
            client.log_artifact(run_id, str(file), folder)


def log_day(
    client: MlflowClient,
    experiment: str,
    market: str,
    day: date,
    metrics: Mapping[str, float | None],
    *,
    of: str = "",
) -> str:
    """Log a day's figures in a timeline run, the market's or the one `of` a model; returns that run's id.

    Models have timelines of their own under the same names of metrics, so that a chart lays them over
    each other.

    The step is the day (days since 1970-01-01), so that a backfill lands in its place of the chart.
    What was logged for that day with the same value is left out; a corrected value is logged a
    millisecond later, since MLflow deletes none.
    """
    run_id = _timeline(client, experiment, market, of)
    with explained(f"log {day} in the timeline of {market}"):
        new = [
            point
            for name, value in _finite(metrics)
            if (point := _point(client, run_id, name, value, day)) is not None
        ]
        _send(client, run_id, new)
    return run_id


def _timeline(client: MlflowClient, experiment: str, market: str, of: str) -> str:
    """One run a market and model; it is over between two nights, so that none is ever left RUNNING."""
    name = f"timeline-{market}-{of}" if of else f"timeline-{market}"
    found = find_run(client, experiment, digest=name, level="timeline")
    colour = colour_of(of) if of else {}
    if found is not None and found.info.status == "FINISHED" and colour.items() <= found.data.tags.items():
        return str(found.info.run_id)
    tags = {"market": market, "hm.timeline": "true"} | ({"kind": of} | colour if of else {})
    run_id = open_run(client, experiment, name, digest=name, level="timeline", tags=tags)
    finish_run(client, run_id)
    return run_id


def _point(client: MlflowClient, run_id: str, name: str, value: float, day: date) -> Metric | None:
    step = (day - _EPOCH).days
    at_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    there = [metric for metric in client.get_metric_history(run_id, name) if metric.step == step]
    if there and max(there, key=lambda metric: metric.timestamp).value == value:
        return None
    return Metric(name, value, at_ms + len(there), step)


def _curve(report: EpochReport) -> dict[str, float | None]:
    return {
        "loss": report.loss,
        "validation_hr": report.validation_hr,
        "rate": report.rate,
        "epoch": report.epoch,
    }


def _finite(metrics: Mapping[str, float | None]) -> list[tuple[str, float]]:
    return [(k, float(v)) for k, v in metrics.items() if v is not None and math.isfinite(v)]


def _send(client: MlflowClient, run_id: str, metrics: Sequence[Metric]) -> None:
    for start in range(0, len(metrics), _AT_ONCE["metrics"]):
        client.log_batch(run_id, metrics=metrics[start : start + _AT_ONCE["metrics"]])


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
