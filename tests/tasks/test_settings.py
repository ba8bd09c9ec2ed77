"""Where things lie, as the environment says."""

import pytest

from tasks.settings import Settings


@pytest.mark.parametrize(
    ("tracking", "root", "artifacts"),
    [
        ("http://127.0.0.1:5000", "s3://hm-results", None),
        ("postgresql://mlflow@db:5432/mlflow", "s3://hm-results", "s3://hm-results/mlflow"),
        ("postgresql://mlflow@db:5432/mlflow", "/var/hm", "file:///var/hm/mlflow"),
        ("sqlite:////var/own/mlflow.db", "s3://hm-results", "file:///var/own/mlartifacts"),
    ],
)
def test_artifacts_of_a_shared_database_lie_where_everybody_finds_them(
    tracking: str, root: str, artifacts: str | None, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"MLFLOW_TRACKING_URI": tracking, "HM_ROOT": root, "HM_WORK": "/var/own"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HM_MLFLOW_ARTIFACTS", raising=False)
    assert Settings().artifact_location == artifacts
