"""Runs, figures, versions and aliases on a real sqlite store."""

import multiprocessing
import shutil
from datetime import date
from pathlib import Path

import pytest
from mlflow import MlflowClient

from hm_pipeline.errors import RegistryError
from hm_pipeline.evaluation.palette import STYLES
from hm_pipeline.models.fitting import EpochReport
from hm_pipeline.registry import mlflow_registry
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.mlflow_log import log_day, log_epochs, log_files, log_metrics, log_params
from hm_pipeline.registry.mlflow_registry import (
    align_aliases,
    find_version,
    forget_users,
    mark_without_users,
    model_name,
    register,
    version_uri,
    versions,
)
from hm_pipeline.registry.mlflow_runs import (
    close_abandoned,
    connect,
    ensure_experiment,
    finish_run,
    open_run,
)
from hm_pipeline.registry.state import State

DAY = date(2021, 6, 1)
NAME = model_name("SE")


@pytest.fixture
def uri(tmp_path: Path, empty_database: Path) -> str:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return connect(uri)


@pytest.fixture
def experiment(client: MlflowClient, tmp_path: Path) -> str:
    return ensure_experiment(client, "hm-SE", (tmp_path / "artifacts").as_uri())


@pytest.fixture
def day_run(client: MlflowClient, experiment: str) -> str:
    return open_day(client, experiment)


def open_day(client: MlflowClient, experiment: str, digest: str = "d1") -> str:
    tags = {"market": "SE", "day": DAY.isoformat()}
    return open_run(client, experiment, DAY.isoformat(), digest=digest, level="day", tags=tags)


def open_model(client: MlflowClient, experiment: str, parent: str, digest: str = "m1") -> str:
    tags = {"market": "SE", "day": DAY.isoformat(), "kind": "lstm"}
    return open_run(client, experiment, "lstm", digest=digest, level="model", parent=parent, tags=tags)


def history(client: MlflowClient, run_id: str, name: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]


def test_a_fresh_database_is_opened_by_three_processes_at_once_also_after_a_killed_attempt(tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit the locks of other tests' threads
    (tmp_path / "mlflow.db.part").write_text("half a database")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    processes = [spawn.Process(target=connect, args=(uri,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert {file.name for file in tmp_path.iterdir()} == {"mlflow.db", "mlflow.db.lock"}


def test_an_experiment_is_made_once_with_its_artifact_folder(
    client: MlflowClient, experiment: str, tmp_path: Path
):
    assert ensure_experiment(client, "hm-SE", "file:///elsewhere") == experiment
    assert client.get_experiment(experiment).artifact_location == (tmp_path / "artifacts").as_uri()


def test_a_deleted_experiment_comes_back(client: MlflowClient, experiment: str):
    client.delete_experiment(experiment)
    assert ensure_experiment(client, "hm-SE", "file:///elsewhere") == experiment
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_a_run_is_found_again_by_its_digest(client: MlflowClient, experiment: str, day_run: str):
    assert open_day(client, experiment) == day_run
    assert open_day(client, experiment, "d2") != day_run


def test_a_killed_run_is_resumed_and_ends_finished(client: MlflowClient, experiment: str, day_run: str):
    assert client.get_run(day_run).info.status == "RUNNING"  # its process was killed here
    again = open_day(client, experiment)
    finish_run(client, again)
    assert client.get_run(day_run).info.status == "FINISHED"


def test_a_failed_run_is_resumed_too(client: MlflowClient, experiment: str, day_run: str):
    finish_run(client, day_run, "FAILED")
    assert open_day(client, experiment) == day_run
    assert client.get_run(day_run).info.status == "RUNNING"


def test_a_models_run_is_nested_and_may_share_its_digest_with_the_day(
    client: MlflowClient, experiment: str, day_run: str
):
    nested = open_model(client, experiment, day_run, digest="d1")
    assert nested != day_run
    assert client.get_run(nested).data.tags["mlflow.parentRunId"] == day_run
    assert client.get_run(nested).data.tags["kind"] == "lstm"


def test_attempts_with_other_inputs_do_not_stay_running(client: MlflowClient, experiment: str):
    old = open_day(client, experiment, "old")
    old_model = open_model(client, experiment, old, "old model")
    new = open_day(client, experiment, "new")
    new_model = open_model(client, experiment, new, "new model")
    assert set(close_abandoned(client, experiment, "SE", DAY, keep="new")) == {old, old_model}
    statuses = [client.get_run(run).info.status for run in (old, old_model, new, new_model)]
    assert statuses == ["KILLED", "KILLED", "RUNNING", "RUNNING"]


def test_other_days_and_markets_in_progress_are_left_alone(
    client: MlflowClient, experiment: str, day_run: str
):
    assert close_abandoned(client, experiment, "SE", date(2021, 6, 2), keep="x") == []
    assert close_abandoned(client, experiment, "NO", DAY, keep="x") == []


def test_parameters_are_flat_and_may_be_logged_twice(client: MlflowClient, day_run: str):
    for _ in range(2):
        log_params(client, day_run, {"kind": "lstm", "training": {"max_lr": 0.001, "deep": {"er": 1}}})
    params = client.get_run(day_run).data.params
    assert params == {"kind": "lstm", "training.max_lr": "0.001", "training.deep.er": "1"}


def test_more_parameters_than_one_call_takes(client: MlflowClient, day_run: str):
    log_params(client, day_run, {f"p{n}": n for n in range(150)})
    assert len(client.get_run(day_run).data.params) == 150


def test_figures_are_logged_once_and_nulls_left_out(client: MlflowClient, day_run: str):
    for at_ms in (1, 2):
        log_metrics(
            client, day_run, {"hr_at_14": 0.5, "personalization": None, "odd": float("nan")}, at_ms=at_ms
        )
    assert client.get_run(day_run).data.metrics == {"hr_at_14": 0.5}
    assert history(client, day_run, "hr_at_14") == [(0, 0.5)]


def test_a_metric_name_that_mlflow_refuses_is_a_registry_error(client: MlflowClient, day_run: str):
    with pytest.raises(RegistryError, match="log figures"):
        log_metrics(client, day_run, {"hr@14": 0.5}, at_ms=1)


def epoch(number: int) -> EpochReport:
    return EpochReport(epoch=number, step=number * 10, loss=5 - number, validation_hr=None, rate=0.1)


def test_epochs_of_a_resumed_run_are_logged_once(client: MlflowClient, day_run: str):
    log_epochs(client, day_run, [epoch(1), epoch(2)], at_ms=1)
    log_epochs(client, day_run, [epoch(1), epoch(2), epoch(3)], at_ms=2)
    assert history(client, day_run, "loss") == [(10, 4.0), (20, 3.0), (30, 2.0)]
    assert len(history(client, day_run, "rate")) == 3
    assert history(client, day_run, "validation_hr") == []


def test_files_lie_among_the_runs_artifacts(client: MlflowClient, day_run: str, tmp_path: Path):
    (tmp_path / "table.md").write_text("| hr |")
    log_files(client, day_run, [tmp_path / "table.md"], "tables")
    assert [file.path for file in client.list_artifacts(day_run, "tables")] == ["tables/table.md"]


def test_the_timeline_has_each_day_in_its_place(client: MlflowClient, experiment: str):
    for day in (date(2021, 6, 3), date(2021, 6, 1), date(2021, 6, 2)):
        run_id = log_day(client, experiment, "SE", day, {"champion/hr_at_14": day.day / 10})
    assert sorted(history(client, run_id, "champion/hr_at_14")) == [(18779, 0.1), (18780, 0.2), (18781, 0.3)]
    assert client.get_run(run_id).info.status == "FINISHED"


def test_a_day_logged_again_is_there_once_and_a_corrected_one_is_the_latest(
    client: MlflowClient, experiment: str
):
    for value in (0.1, 0.1, 0.2, 0.2):
        run_id = log_day(client, experiment, "SE", DAY, {"hr_at_14": value})
    assert sorted(history(client, run_id, "hr_at_14")) == [(18779, 0.1), (18779, 0.2)]
    assert client.get_run(run_id).data.metrics == {"hr_at_14": 0.2}


def test_each_market_has_one_timeline(client: MlflowClient, experiment: str):
    runs = [log_day(client, experiment, market, DAY, {"hr": 0.1}) for market in ("SE", "NO", "SE")]
    assert runs[0] == runs[2] != runs[1]
    models = [
        log_day(client, experiment, "SE", DAY, {"hr": 0.1}, of=kind) for kind in ("lstm", "als", "lstm")
    ]
    assert models[0] == models[2] != models[1]
    assert len({*runs, *models}) == 4
    tags = client.get_run(models[0]).data.tags
    assert (tags["kind"], tags["mlflow.runColor"]) == ("lstm", STYLES["lstm"].colour)


def put(client: MlflowClient, run_id: str, folder: Path, digest: str, **tags: str) -> int:
    """A version whose model is one folder of files: what is in them matters to nobody here."""
    users = folder / "artifacts" / "release" / "users.parquet"
    users.parent.mkdir(parents=True, exist_ok=True)
    users.write_text("anna,bert")
    (folder / "MLmodel").write_text("flavors: {}")
    told = {"kind": "lstm", "day": "2021-06-01", **tags}
    return register(client, NAME, run_id, folder, digest=digest, tags=told)


def test_the_same_digest_is_registered_once(
    client: MlflowClient, experiment: str, day_run: str, tmp_path: Path
):
    first = put(client, day_run, tmp_path / "m", "r1")
    assert put(client, day_run, tmp_path / "m", "r1") == first
    other = open_model(client, experiment, day_run)
    assert put(client, other, tmp_path / "m", "r2") == first + 1
    assert versions(client, NAME) == [first, first + 1]
    assert find_version(client, NAME, "r3") is None


def test_versions_are_all_found_page_after_page(
    client: MlflowClient, day_run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mlflow_registry, "_PAGE", 2)
    made = [put(client, day_run, tmp_path / "m", f"r{number}") for number in range(5)]
    assert versions(client, NAME) == made


def test_a_version_knows_its_kind_its_day_its_digest_and_its_run(
    client: MlflowClient, day_run: str, tmp_path: Path
):
    found = client.get_model_version(NAME, str(put(client, day_run, tmp_path / "m", "r1")))
    assert found.tags == {"kind": "lstm", "day": "2021-06-01", "hm.digest": "r1"}
    assert found.run_id == day_run
    assert version_uri(NAME, 3) == "models:/hm-SE/3"


def ref(version: int) -> ModelRef:
    return ModelRef(kind="lstm", day=DAY, version=version, uri="u")


def three_versions(client: MlflowClient, experiment: str, folder: Path) -> None:
    for number in range(3):
        run = open_day(client, experiment, f"day {number}")
        put(client, run, folder / str(number), f"r{number}")


def test_aliases_follow_the_ledger_and_wrong_ones_are_repaired(
    client: MlflowClient, experiment: str, tmp_path: Path
):
    three_versions(client, experiment, tmp_path)
    client.set_registered_model_alias(NAME, "champion", "1")
    client.set_registered_model_alias(NAME, "challenger", "1")
    client.set_registered_model_alias(NAME, "pinned", "1")
    changes = align_aliases(client, NAME, State(line=(ref(2), ref(3))))
    assert changes == ["champion: 1 -> 3", "challenger: 1 -> nobody", "previous: nobody -> 2"]
    aliases = client.get_registered_model(NAME).aliases
    assert {a: int(v) for a, v in aliases.items()} == {"champion": 3, "previous": 2, "pinned": 1}
    assert align_aliases(client, NAME, State(line=(ref(2), ref(3)))) == []


def test_an_empty_ledger_needs_no_registered_model(client: MlflowClient):
    assert align_aliases(client, NAME, State()) == []


def test_a_database_that_was_lost_costs_the_aliases_and_no_night(client: MlflowClient):
    changes = align_aliases(client, NAME, State(line=(ref(7),)))
    assert changes == ["champion: nobody -> nobody; the ledger names version 7, which is not in MLflow"]


def test_the_alias_of_a_version_that_was_deleted_is_nobodys(
    client: MlflowClient, experiment: str, tmp_path: Path
):
    three_versions(client, experiment, tmp_path)
    align_aliases(client, NAME, State(line=(ref(1), ref(2))))
    client.delete_model_version(NAME, "1")
    told = align_aliases(client, NAME, State(line=(ref(1), ref(3))))
    assert told[1] == "previous: nobody -> nobody; the ledger names version 1, which is not in MLflow"
    assert {a: int(v) for a, v in client.get_registered_model(NAME).aliases.items()} == {"champion": 3}


def test_a_number_that_another_model_has_in_a_new_database_is_no_champion(
    client: MlflowClient, experiment: str, tmp_path: Path
):
    three_versions(client, experiment, tmp_path)
    before = ref(2).model_copy(update={"run_digest": "of the database that was lost"})
    assert "which is not in MLflow" in align_aliases(client, NAME, State(line=(before,)))[0]
    assert client.get_registered_model(NAME).aliases == {}


def test_a_version_whose_users_were_taken_away_is_registered_again_where_they_are_wanted(
    client: MlflowClient, day_run: str, tmp_path: Path
):
    version = put(client, day_run, tmp_path / "m", "r1", users="true")
    mark_without_users(client, NAME, version)
    assert find_version(client, NAME, "r1") == version
    assert find_version(client, NAME, "r1", with_users=True) is None
    assert put(client, day_run, tmp_path / "m", "r1", users="true") == version + 1
    assert versions(client, NAME) == [version + 1], "nobody is looked for where nobody is"


def test_erasing_rewrites_the_file_of_the_registered_version_itself(
    client: MlflowClient, day_run: str, tmp_path: Path
):
    version = put(client, day_run, tmp_path / "m", "r1")

    def forget(folder: Path) -> int:
        file = folder / "users.parquet"
        file.write_text(file.read_text().replace("anna", "-"))
        return 1

    work = tmp_path / "work"
    work.mkdir()
    assert forget_users(client, NAME, version, work, forget) == 1
    stored = [f.read_text() for f in (tmp_path / "artifacts").rglob("users.parquet")]
    assert stored == ["-,bert"]


def test_a_store_that_cannot_be_opened_is_a_registry_error(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RegistryError, match="reach MLflow"):
        connect(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}")


def test_a_server_that_is_not_there_is_a_registry_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match="reach MLflow at"):
        connect("http://127.0.0.1:9")
