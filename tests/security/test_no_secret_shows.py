"""A password in a uri is refused without being repeated, and no error of ours shows one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from hm_pipeline.config import load, markets
from hm_pipeline.errors import ConfigError, HmPipelineError, RegistryError, StorageError
from hm_pipeline.registry.explained import explained
from hm_pipeline.storage import open_storage
from tasks.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
SECRET = "hunter2/with+signs="
PLACES = {
    "HM_ROOT": f"s3://AKIAEXAMPLE:{SECRET}@bucket/root",
    "HM_RAW": f"s3://AKIAEXAMPLE:{SECRET}@bucket/raw",
    "HM_MLFLOW_ARTIFACTS": f"s3://AKIAEXAMPLE:{SECRET}@bucket/mlflow",
    "MLFLOW_TRACKING_URI": f"postgresql://hm:{SECRET}@db:5432/mlflow",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_with_a_password_is_refused_by_name_alone(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, PLACES[name])
    with pytest.raises(ConfigError, match=f"{name} holds a password") as caught:
        Settings()
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", PLACES)
def test_the_doctor_says_so_and_shows_nothing_of_it(name: str, tmp_path: Path):
    env = {**os.environ, "HM_CONFIG": str(DEPLOY), "HM_WORK": str(tmp_path), name: PLACES[name]}
    command = [sys.executable, "-m", "flows.cli", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{name} holds a password" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "AKIAEXAMPLE" not in done.stdout + done.stderr


def test_a_database_without_its_password_in_the_uri_is_welcome(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow@db:5432/mlflow")
    assert Settings().mlflow_tracking_uri == "postgresql://mlflow@db:5432/mlflow"


@pytest.mark.parametrize(
    "place",
    [
        "s3://AKIA:hunter2@bucket/x",
        "gs://AKIA:hunter2@bucket",
        "http://hunter2@host/x",
        "s3://AKIA:hun/ter2@b",
    ],
)
def test_no_error_of_ours_repeats_a_login_of_a_uri(place: str):
    told = HmPipelineError(f"{place}/key: it is not there; look at {place}")
    assert "ter2" not in f"{told} {told!r} {told.args}"
    assert "AKIA" not in str(told)
    assert "it is not there" in str(told)


def test_what_is_no_login_stays_as_it_is():
    said = "http://127.0.0.1:5000/x: 3 rows; s3://bucket/a: key 'b:c' of shop@example.com"
    assert str(StorageError(said)) == said


def test_a_storage_that_fails_shows_no_login():
    with pytest.raises(StorageError) as caught:
        open_storage("ftp://hm:hunter2@host/x")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(StorageError) as caught:
        open_storage("s3://AKIA:hunter2@bucket/x").read("key")
    assert "hunter2" not in str(caught.value)


def test_an_endpoint_with_a_login_that_does_not_answer_shows_none(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://AKIA:hunter2@127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError) as caught:
        open_storage("s3://bucket/x").read("key")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_mlflow_says_of_a_place_shows_no_password():
    place = "postgresql://hm:hunter2@127.0.0.1/mlflow"
    with pytest.raises(RegistryError) as caught, explained(f"reach MLflow at {place}"):
        raise MlflowException(f"no answer from {place}")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).count("***@127.0.0.1/mlflow") == 2


@pytest.mark.parametrize("market", markets(DEPLOY))
def test_what_a_run_is_told_names_no_place(market: str):
    """Parameters are stored and shown by the Prefect server: where things lie, each worker reads for itself."""
    assert "://" not in load(DEPLOY, market).model_dump_json()
