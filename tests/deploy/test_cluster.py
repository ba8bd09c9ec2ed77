"""The cluster's own commands on a real PostgreSQL: set up, and a night run as a Kubernetes job would run it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import kubernetes_validate
import pytest
from cluster import AUTH, Cluster, cluster, container, status
from kubernetes_api import Api, kubernetes_api
from manifests import BASE, DEPLOY, named
from mlflow import MlflowClient
from postgres import MLFLOW_PASSWORD, PREFECT_PASSWORD, Postgres
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from tiny_market import MARKET, NIGHTS, write_config, write_raw

from hm_pipeline.registry.mlflow_runs import connect

pytestmark = pytest.mark.services
BUCKETS = ("hm-raw", "hm-results", "hm-mlflow")
SECRETS = (AUTH, PREFECT_PASSWORD, MLFLOW_PASSWORD)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, s3_root: str) -> Iterator[Cluster]:
    """Servers that answer, buckets that are there, and a Prefect server that was set up for Kubernetes."""
    s3 = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with cluster(tmp_path_factory.mktemp("cluster"), postgres, s3) as place:
        script = DEPLOY / "s3" / "make_buckets.py"
        place.run("buckets", ["python", str(script), *BUCKETS], place.environment({}, s3))
        set_up(place)
        yield place


def set_up(place: Cluster) -> None:
    found = container("set-up/set-up")
    command = [str(BASE / "pools") if word == "/pools" else word for word in found.command]
    place.run("set-up", command, place.environment(found.environment, {"PREFECT_API_AUTH_STRING": AUTH}))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """Kubernetes' API, with the worker's own Role."""
    rules = {
        (group, resource): set(rule["verbs"])
        for rule in named("Role", "worker")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    with kubernetes_api("hm-runs", rules) as api:
        yield api


@pytest.fixture(scope="module")
def job(place: Cluster, api: Api) -> dict[str, Any]:
    """The job that the orchestrator's worker starts for a run of the deployment daily/SE, with the tiny market."""
    with connected(place) as client:
        deployment = client.read_deployment_by_name("daily/SE")
        parameters = {"market": MARKET, "day": str(NIGHTS[0])}
        client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    found = container("worker-orchestrator/worker")
    command = [word for word in found.command if word != "--with-healthcheck"]
    config = api.kubeconfig(place.folder / "kubeconfig")
    secrets = {"PREFECT_API_AUTH_STRING": AUTH, "KUBECONFIG": str(config)}
    place.run("worker", [*command, "--run-once"], place.environment(found.environment, secrets))
    assert len(api.jobs) == 1, place.log("worker").read_text()[-4000:]
    return api.jobs[0]


@pytest.fixture(scope="module")
def night(place: Cluster, job: dict[str, Any]) -> FlowRun:
    """What the job's container does: the run, ended."""
    config, raw = place.folder / "config", place.folder / "raw"
    write_config(config)
    write_raw(raw)
    s3 = boto3.session.Session().client("s3")
    for file in raw.rglob("*.csv"):
        s3.upload_file(str(file), "hm-raw", file.relative_to(raw).as_posix())
    pod = job["spec"]["template"]["spec"]["containers"][0]
    environment = {e["name"]: e.get("value", AUTH) for e in pod["env"]}  # the one reference is to that secret
    own = {"HM_CONFIG": str(config), "HM_DISPATCH": "here"} | place.s3
    place.run(
        "night", pod["args"], place.environment(named("ConfigMap", "hm-runs")["data"] | environment, own)
    )
    with connected(place) as client:
        return client.read_flow_run(UUID(environment["PREFECT__FLOW_RUN_ID"]))


class connected:  # noqa: N801  reads as the function it is
    """A client of the cluster's Prefect server."""

    def __init__(self, place: Cluster) -> None:
        self.settings = temporary_settings(
            {PREFECT_API_URL: f"{place.prefect}/api", PREFECT_API_AUTH_STRING: AUTH}
        )

    def __enter__(self) -> SyncPrefectClient:
        self.settings.__enter__()
        self.client = get_client(sync_client=True)
        return self.client.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.client.__exit__(*error)
        self.settings.__exit__(*error)


def test_the_night_completes_and_prefects_history_lies_in_postgres(night: FlowRun, postgres: Postgres):
    assert night.state is not None
    assert night.state.is_completed(), night.state.message
    rows = postgres.query("prefect", f"SELECT state_type FROM flow_run WHERE id = '{night.id}'")
    assert rows == "COMPLETED"


def test_its_models_are_registered_in_postgres_with_a_champion(
    night: FlowRun, place: Cluster, postgres: Postgres
):
    client = MlflowClient(place.mlflow)
    champion = client.get_model_version_by_alias(f"hm-{MARKET}", "champion")
    versions = int(
        postgres.query("mlflow", f"SELECT count(*) FROM model_versions WHERE name = 'hm-{MARKET}'")
    )
    assert versions > 1
    assert champion.tags["day"] == str(NIGHTS[0])
    assert client.list_artifacts(champion.run_id)


def test_its_lists_are_published_in_the_bucket_of_results(night: FlowRun):
    body = boto3.session.Session().client("s3").get_object(Bucket="hm-results", Key=f"{MARKET}/latest.json")
    assert json.loads(body["Body"].read())["day"] == str(NIGHTS[0])


def test_mlflow_refuses_a_request_for_a_host_that_is_not_its_own(place: Cluster):
    assert status(f"{place.mlflow}/api/2.0/mlflow/experiments/search?max_results=1") == 200
    known = f"mlflow.hm.svc.cluster.local:{place.ports[5000]}"
    url = f"{place.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    assert status(url, Host=known) == 200
    assert status(url, Host="rebound.example.com") == 403


def test_prefect_refuses_whoever_does_not_know_the_password(place: Cluster):
    assert status(f"{place.prefect}/api/health") == 200
    assert status(f"{place.prefect}/api/admin/version") == 401


def test_the_server_lacks_nothing_that_deploy_asks_for(place: Cluster):
    found = container("set-up/set-up")
    environment = place.environment(found.environment, {"PREFECT_API_AUTH_STRING": AUTH})
    place.run("check", ["hm", "set-up", "--check"], environment)


def test_the_database_can_be_asked_without_a_server_and_without_a_password_in_its_uri(
    night: FlowRun, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PGPASSWORD", MLFLOW_PASSWORD)
    client = connect(f"postgresql+psycopg2://mlflow@127.0.0.1:{postgres.port}/mlflow")
    assert client.get_model_version_by_alias(f"hm-{MARKET}", "champion").tags["day"] == str(NIGHTS[0])


def test_no_password_is_in_what_anybody_said(night: FlowRun, place: Cluster):
    secrets = (*SECRETS, place.s3["AWS_SECRET_ACCESS_KEY"])
    logs = {file.name: file.read_text() for file in place.folder.glob("*.log")}
    assert len(logs) >= 4
    assert not [(name, secret) for name, text in logs.items() for secret in secrets if secret in text]
    with connected(place) as client:
        told = [log.message for log in client.read_logs(limit=200)]
        told += [str(a.data) for a in client.read_artifacts()]
        told.append(str(client.read_flow_run(night.id).parameters))
    assert not [text for text in told for secret in secrets if secret in text]


def test_the_job_refers_to_its_secret_and_holds_none(job: dict[str, Any]):
    assert not [secret for secret in SECRETS if secret in json.dumps(job)]
    variables = {e["name"]: e for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    reference = {"secretKeyRef": {"name": "hm-prefect", "key": "auth"}}
    assert variables["PREFECT_API_AUTH_STRING"]["valueFrom"] == reference


def test_the_workers_role_is_enough_for_what_the_worker_asks(job: dict[str, Any], api: Api):
    kubernetes_validate.validate(job, "1.32", strict=True)
    assert ("batch", "jobs", "create") in api.asked
    assert api.refused == []


def test_nothing_of_the_run_is_left_beside_its_folder(night: FlowRun, place: Cluster):
    assert not (Path(place.folder) / "mlruns").exists()
    assert not (Path(place.folder) / "mlflow.db").exists()
