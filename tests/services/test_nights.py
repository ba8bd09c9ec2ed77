"""Nights on three workers that share nothing but S3, Prefect and MLflow: all real, on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import patient
import polars as pl
import pytest
from live_machine import LiveMachine, until
from tiny_market import MARKET, NIGHTS

from hm_pipeline.config import load
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.storage import find, materialise
from tasks import ledger
from tasks.lists import LISTS
from tasks.run import Run
from tasks.settings import settings
from tasks.shard import Shard
from tasks.stage import stored
from tasks.study import find_answer, read_answer

FIRST, SECOND, THIRD = NIGHTS[:3]


@pytest.fixture(scope="module")
def night(machine: LiveMachine) -> Iterator[LiveMachine]:
    """The machine after one night that somebody ordered; this process lives there meanwhile."""
    watched = run_daily(machine, FIRST)
    assert watched.returncode == 0, f"{watched.stdout}{watched.stderr}\n{machine.logs()}"
    with at_home(machine):
        yield machine


def test_its_lists_are_published_and_whole(night: LiveMachine) -> None:
    shown = latest(night)
    assert (shown["day"], "stale" in shown) == (str(FIRST), False)
    manifest = find(settings().storage, shown["manifest"].removesuffix("/manifest.json"))
    assert manifest is not None
    folder = materialise(settings().storage, manifest, night.folder / "fetched")  # checks size and sha256
    assert {file.name for file in folder.iterdir()} >= {"lists.parquet", "default.parquet"}


def test_every_model_is_registered_and_the_champion_has_its_alias(night: LiveMachine) -> None:
    champion = ledger.current(MARKET).champion
    assert champion is not None
    assert alias(night, "champion") == str(champion.version)
    assert {kinds(version) for version in versions(night)} == {"popularity", "itemknn", "aals", "lstm"}


def test_each_model_was_trained_on_its_pool_and_no_torch_came_near_the_cpu_pool(night: LiveMachine) -> None:
    where = {facts["kind"]: facts["machine"] for facts in models(FIRST)}
    assert {kind: place["worker"] for kind, place in where.items()} == {
        "popularity": "cpu",
        "itemknn": "cpu",
        "aals": "cpu",
        "lstm": "gpu",
    }
    assert {kind for kind, place in where.items() if place["torch"] is not None} == {"lstm"}


def test_a_worker_answers_some_users_as_the_night_answered_everybody(night: LiveMachine) -> None:
    decided = ledger.current(MARKET).decisions[FIRST]
    assert decided.lists is not None
    lists = stored(decided.lists)
    run = Run(config=load(Path(night.chosen["HM_CONFIG"]), MARKET), day=FIRST, inputs="")
    ref, everything = ModelRef(**lists.facts["model"]), stored(lists.facts["samples"])
    shard = Shard(run=run, everything=everything, ref=ref, first=20, stop=120)
    given = f"shard={shard.model_dump_json()}"
    watched = night.prefect("deployment", "run", f"answer/{shard.pool}", "--param", given, "--watch")
    assert watched.returncode == 0, f"{watched.stdout}{watched.stderr}\n{night.logs()}"
    some, everybodys = (pl.read_parquet(one.folder() / LISTS) for one in (stored(shard.address), lists))
    assert some["user_id"].n_unique() == 100
    assert some.equals(everybodys.join(some.select("user_id").unique(), on="user_id", how="semi"))


def test_a_run_without_a_day_is_of_the_day_it_was_planned_for_in_the_markets_zone(night: LiveMachine) -> None:
    """That day is decided, so nothing changes; of the day before, or of today, there is no whole window."""
    before = everything(night)
    late_on_the_day_before = f"{FIRST - timedelta(days=1)}T23:30:00-02:00"
    planned = {"type": "SCHEDULED", "state_details": {"scheduled_time": late_on_the_day_before}}
    run = night.ask(f"deployments/{deployment(night, 'daily')}/create_flow_run", {"state": planned})
    assert ended(night, run["id"]) == "COMPLETED", night.logs()
    assert everything(night) == before


def test_a_backfill_goes_through_the_deployments(night: LiveMachine) -> None:
    filled = night.there("backfill", f"--market={MARKET}", f"--from={FIRST}", f"--to={THIRD}",
                         "--only-missing", "--parallel=2")  # fmt: skip
    assert filled.returncode == 0, f"{filled.stdout}{filled.stderr}\n{night.logs()}"
    assert f"2 nights: {SECOND}, {THIRD}" in filled.stdout
    now = ledger.current(MARKET)
    assert set(now.decisions) == {FIRST, SECOND, THIRD}
    assert (latest(night)["day"], now.newest) == (str(THIRD), THIRD)
    names = {run["name"] for run in night.ask("flow_runs/filter", {})}
    assert {f"{MARKET}-{SECOND}", f"{MARKET}-{SECOND}-train lstm", f"{MARKET}-{THIRD}-train aals"} <= names


def test_the_check_for_gaps_runs_a_night_that_never_came_to_its_report(night: LiveMachine) -> None:
    storage, shown = settings().storage, latest(night)
    for entry in storage.keys(f"{MARKET}/{FIRST}/report"):
        storage.delete(entry.key)
    run = night.ask(
        f"deployments/{deployment(night, 'gaps')}/create_flow_run",
        {"parameters": {"market": MARKET, "day": str(SECOND)}},
    )
    assert ended(night, run["id"]) == "COMPLETED", night.logs()
    assert storage.keys(f"{MARKET}/{FIRST}/report")
    assert latest(night) == shown


def test_a_declared_question_is_answered_by_the_pools(night: LiveMachine) -> None:
    declared = Path(night.chosen["HM_CONFIG"]) / "studies" / "width.toml"
    declared.write_text(
        """
        question = "How wide?"
        models = ["lstm"]
        seeds = [1, 2]
        [[axes]]
        path = "models.*.item_embedding"
        values = [4, 16]
        reference = 16
        """
    )
    given = ("name=width", f"market={MARKET}", f"day={FIRST}")
    params = [word for one in given for word in ("--param", one)]
    watched = night.prefect("deployment", "run", "study/study", *params, "--watch")
    assert watched.returncode == 0, f"{watched.stdout}{watched.stderr}\n{night.logs()}"
    told = read_answer(find_answer("width", MARKET, FIRST))
    assert [(line.label, line.figures["hr"].seeds) for line in told.lines] == [("4", 2), ("16", 2)]
    sizes = [facts["machine"]["worker"] for facts in models(FIRST) if facts["kind"] == "lstm"]
    assert sizes == ["gpu"] * 6, "the night's candidate, its refit, and four variants"
    artifacts = night.ask("artifacts/latest/filter", {"artifacts": {"key": {"like_": "study-width-tiny"}}})
    assert "# How wide?" in artifacts[0]["data"]


def test_the_gpus_slot_is_free_and_nothing_is_left_running(night: LiveMachine) -> None:
    slots = night.ask("v2/concurrency_limits/filter", {})
    assert [slot["active_slots"] for slot in slots if slot["name"] == "gpu"] == [0]
    alive = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}}
    assert night.ask("flow_runs/filter", alive) == []
    assert not [entry.key for entry in settings().storage.keys(MARKET) if "/checkpoints/" in entry.key]


def run_daily(machine: LiveMachine, day: date) -> Any:
    """As a person would, and wait for it."""
    return machine.prefect("deployment", "run", f"daily/{MARKET}", "--param", f"day={day}", "--watch")


@contextmanager
def at_home(machine: LiveMachine) -> Iterator[None]:
    """This process's settings are the machine's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.env.items():
            if name.startswith(("AWS_", "HM_", "MLFLOW_")):
                patch.setenv(name, value)
        settings.cache_clear()
        yield
    settings.cache_clear()


def latest(machine: LiveMachine) -> dict[str, Any]:
    body = machine.s3().get_object(Bucket="hm-pipeline", Key=f"root/{MARKET}/latest.json")["Body"]
    shown: dict[str, Any] = json.loads(body.read())
    return shown


def models(day: date) -> list[dict[str, Any]]:
    """What is said of every model of a night that lies in the bucket."""
    keys = [entry.key for entry in settings().storage.keys(f"{MARKET}/{day}/model")]
    whole = [
        find(settings().storage, key.removesuffix("/manifest.json")) for key in keys if "manifest" in key
    ]
    return [manifest.facts for manifest in whole if manifest is not None]


def everything(machine: LiveMachine) -> dict[str, Any]:
    """All that a second run of a night might change."""
    entries = settings().storage.keys(MARKET)
    return {
        "objects": [(entry.key, entry.version) for entry in entries],
        "versions": sorted((v["version"], v["last_updated_timestamp"]) for v in versions(machine)),
    }


def versions(machine: LiveMachine) -> list[dict[str, Any]]:
    query = f"model-versions/search?filter=name%3D%27hm-{MARKET}%27&max_results=1000"
    found: list[dict[str, Any]] = mlflow(machine, query)["model_versions"]
    return found


def kinds(version: dict[str, Any]) -> str:
    return next(str(tag["value"]) for tag in version["tags"] if tag["key"] == "kind")


def alias(machine: LiveMachine, name: str) -> str:
    query = f"registered-models/alias?name=hm-{MARKET}&alias={name}"
    return str(mlflow(machine, query)["model_version"]["version"])


def mlflow(machine: LiveMachine, query: str) -> Any:
    return patient.ask(f"{machine.urls['mlflow']}/api/2.0/mlflow/{query}")


def deployment(machine: LiveMachine, flow: str) -> str:
    return str(machine.ask(f"deployments/name/{flow}/{MARKET}")["id"])


def ended(machine: LiveMachine, run: str, seconds: float = 400) -> str:
    """The type of a run's last state."""
    over = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    until(lambda: machine.ask(f"flow_runs/{run}")["state_type"] in over, seconds)
    return str(machine.ask(f"flow_runs/{run}")["state_type"])
