"""What a night leaves in Prefect: on a real server, on none, and on one that does not answer."""

import os
from collections.abc import Iterator
from datetime import date

import pytest
from embedded import World
from prefect import flow
from prefect.artifacts import Artifact
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from hm_pipeline.config import load
from hm_pipeline.evaluation.table import Cell, Row, Table
from tasks.artifacts import key_of, leave, rows
from tasks.run import Run
from tasks.settings import settings
from tasks.tracking import address_of

TABLE = Table(
    models=("lstm", "als"),
    rows=(Row(metric="hr", cells=(Cell(text="20.00% ±1.00", best=True), Cell(text="10.00% ±1.00"))),),
)


def a_run() -> Run:
    return Run(config=load(settings().config, "tiny"), day=date(2021, 6, 9), inputs="abc")


def test_keys_are_what_prefect_takes():
    assert key_of("report", "SE") == "report-se"
    assert key_of("mlflow", "SE_north") == "mlflow-se-north"


def test_a_table_has_a_row_a_model():
    assert rows(TABLE) == [
        {"model": "lstm", "hr": "20.00% ±1.00"},
        {"model": "als", "hr": "10.00% ±1.00"},
    ]


def test_the_address_of_a_run_holds_no_credentials():
    assert address_of("https://ann:secret@mlflow.shop/base/", "7", "r1") == (
        "https://mlflow.shop/base/#/experiments/7/runs/r1"
    )


def test_outside_of_prefect_nothing_is_left_and_no_server_is_started(world: World):
    leave(a_run(), "# page", TABLE)
    assert not os.environ.get("PREFECT_API_URL")


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=200):
        yield


@pytest.mark.services
def test_a_night_in_prefect_leaves_its_page_and_its_table(world: World, server: None):
    @flow
    def night() -> None:
        leave(a_run(), "# page", TABLE, patience=120)

    night()
    page, table = Artifact.get(key="report-tiny"), Artifact.get(key="comparison-tiny")
    assert page is not None
    assert (page.type, page.data) == ("markdown", "# page")
    assert page.flow_run_id is not None
    assert table is not None
    assert table.type == "table"
    assert Artifact.get(key="mlflow-tiny") is None, "there is no page of a database"


@pytest.mark.services
def test_a_server_that_does_not_answer_fails_no_night(
    world: World, server: None, caplog: pytest.LogCaptureFixture
):
    @flow
    def night() -> str:
        dead = temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"})
        with SyncClientContext(httpx_settings={"timeout": 1}), dead:  # else the flow's own client is used
            leave(a_run(), "# page", TABLE, patience=60)
        return "published"

    assert night() == "published"
    assert "artifacts of tiny" in caplog.text
