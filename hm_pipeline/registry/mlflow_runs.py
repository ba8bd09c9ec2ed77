"""MLflow runs that survive being killed: found again by a digest, never left RUNNING.

    experiment hm-SE
    ├── 2021-06-01            hm.digest a1…  hm.level day
    │   ├── lstm              hm.digest b2…  hm.level model   loss, validation_hr, rate by step
    │   └── popularity        hm.digest c3…  hm.level model
    ├── timeline-SE           hm.level timeline   what its nights are watched by, step = days since 1970
    └── timeline-SE-lstm      hm.level timeline   a model's metrics, and so for each, and for the champion
    experiment hm-SE-studies
    └── item_embedding 2021-06-01   hm.level study     the answer as files
        └── 128 seed 1              hm.level variant   as a model's

All functions take the client: where it points is the caller's business. `at_ms` is the caller's clock.
"""

import fcntl
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from hm_pipeline.evaluation.palette import styles
from hm_pipeline.registry.explained import explained

Level = Literal["day", "model", "timeline", "study", "variant"]
Status = Literal["FINISHED", "FAILED", "KILLED"]

DIGEST, LEVEL = "hm.digest", "hm.level"
_SQLITE, _COLOUR = "sqlite:///", "mlflow.runColor"


def connect(tracking_uri: str) -> MlflowClient:
    """A client that was heard; a fresh sqlite file is made by one process at a time, whole or not at all."""
    with explained(f"reach MLflow at {tracking_uri}"):
        if tracking_uri.startswith(_SQLITE):
            _make_once(Path(tracking_uri.removeprefix(_SQLITE)))
        return _heard(tracking_uri)


def _heard(tracking_uri: str) -> MlflowClient:
    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    client.search_experiments(max_results=1)
    return client


def _make_once(database: Path) -> None:
    """MLflow's tables, made aside: three that make them at once fail in two, a killed one leaves half."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(database.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file closes, also by a kill
        if not database.exists():
            part = database.with_name(database.name + ".part")
            part.unlink(missing_ok=True)
            _heard(f"{_SQLITE}{part}")
            part.replace(database)


def ensure_experiment(client: MlflowClient, name: str, artifact_location: str) -> str:
    """The experiment's id; made, or brought back from deletion, where it must be."""
    with explained(f"make the experiment {name}"):
        found = client.get_experiment_by_name(name)
        if found is None:
            return _create(client, name, artifact_location)
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


def _create(client: MlflowClient, name: str, artifact_location: str) -> str:
    """Another process may be faster: then its experiment is ours, too."""
    try:
        return str(client.create_experiment(name, artifact_location=artifact_location))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def open_run(
    client: MlflowClient,
    experiment: str,
    name: str,
    *,
    digest: str,
    level: Level,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """The id of the run with that digest, resumed where it exists (also a killed one), else made.

    `tags`: day, market, kind, git revision, data digest … A parent makes it a nested run.
    """
    wanted = {**(tags or {}), DIGEST: digest, LEVEL: level}
    if parent is not None:
        wanted["mlflow.parentRunId"] = parent
    with explained(f"open the run {name}"):
        found = find_run(client, experiment, digest=digest, level=level)
        if found is None:
            return str(client.create_run(experiment, run_name=name, tags=wanted).info.run_id)
        run_id = str(found.info.run_id)
        client.update_run(run_id, status="RUNNING", name=name)
        tag_run(client, run_id, wanted)
        return run_id


def colour_of(kind: str) -> dict[str, str]:
    """The tag by which MLflow's charts draw a model's run in its colour of all our figures."""
    return {_COLOUR: styles([kind])[kind].colour}


def find_run(client: MlflowClient, experiment: str, *, digest: str, level: Level) -> Run | None:
    """The oldest run with that digest; None where there is none."""
    found = _search(client, experiment, {DIGEST: digest, LEVEL: level})
    return found[0] if found else None


def close_abandoned(client: MlflowClient, experiment: str, market: str, day: date, *, keep: str) -> list[str]:
    """End what other attempts at this market and day left RUNNING; returns the ids of those runs.

    An attempt whose inputs changed afterwards is never resumed by its digest. `keep` is the digest of
    the day's run in progress; it and its children stay.
    """
    with explained(f"close abandoned runs of {market} {day}"):
        running = _search(
            client, experiment, {"market": market, "day": day.isoformat()}, "attributes.status = 'RUNNING'"
        )
        kept = {run.info.run_id for run in running if run.data.tags.get(DIGEST) == keep}
        gone = [
            str(run.info.run_id)
            for run in running
            if not {run.info.run_id, run.data.tags.get("mlflow.parentRunId")} & kept
        ]
        for run_id in gone:
            client.set_terminated(run_id, "KILLED")
        return gone


def finish_run(client: MlflowClient, run_id: str, status: Status = "FINISHED") -> None:
    """The run is over."""
    with explained(f"end the run {run_id}"):
        client.set_terminated(run_id, status)


def tag_run(client: MlflowClient, run_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags; those that are None are left out."""
    with explained(f"tag the run {run_id}"):
        for key, value in tags.items():
            if value is not None:
                client.set_tag(run_id, key, value)


def _search(client: MlflowClient, experiment: str, tags: Mapping[str, str], *more: str) -> Sequence[Run]:
    """Runs with these tags, oldest first."""
    told = [f"tags.`{key}` = '{value}'" for key, value in tags.items()]
    return client.search_runs(
        [experiment], filter_string=" and ".join([*told, *more]), order_by=["attributes.start_time ASC"]
    )
