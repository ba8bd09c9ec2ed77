"""When the check for gaps looks at all, and what it counts as the same night; no server is asked."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from uuid import uuid4

import pytest
from embedded import World, without_orchestrator
from tiny_market import MARKET, NIGHTS

import flows.gaps
from flows.backfill import errand_of
from hm_pipeline.config import load
from tasks.settings import settings


class Server:
    """A Prefect server with one deployment, of which nothing runs."""

    def __init__(self, paused: bool, active: list[bool]) -> None:
        schedules = [SimpleNamespace(active=one) for one in active]
        self.nightly = SimpleNamespace(id=uuid4(), paused=paused, schedules=schedules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_deployment_by_name(self, name: str) -> Any:
        assert name == f"daily/{MARKET}"
        return self.nightly

    def read_flow_runs(self, **_: Any) -> list[Any]:
        return []


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(tmp_path / "world")
    world.settle()
    monkeypatch.setenv("HM_DISPATCH", "pools")
    with world.entered():
        yield world


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The nights that a check starts."""
    begun: list[date] = []
    monkeypatch.setattr(flows.gaps, "nights", lambda config, days, attempts: begun.extend(days))
    return begun


def check(monkeypatch: pytest.MonkeyPatch, server: Server, day: date | None = None) -> list[date]:
    monkeypatch.setattr(flows.gaps, "get_client", lambda sync_client: server)
    with without_orchestrator():
        return flows.gaps.gaps.fn(MARKET, day=day)


STOPPED = pytest.mark.parametrize(
    "server",
    [Server(paused=True, active=[True]), Server(paused=False, active=[False]), Server(False, [])],
    ids=["paused", "no active schedule", "no schedule"],
)


@STOPPED
def test_where_the_nights_are_stopped_the_check_starts_none_and_says_so(
    world: World,
    started: list[date],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert check(monkeypatch, server) == []
    assert started == []
    assert f"daily/{MARKET} is paused or has no active schedule" in caplog.text


@STOPPED
def test_a_day_that_somebody_gives_is_looked_at_nevertheless(
    world: World, started: list[date], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(monkeypatch, server, NIGHTS[0]) == started == [NIGHTS[0]]


def test_where_the_nights_are_scheduled_the_day_is_the_planned_one(
    world: World, started: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.gaps, "logical_day", lambda config, day: day or NIGHTS[0])
    assert check(monkeypatch, Server(paused=False, active=[False, True])) == started == [NIGHTS[0]]


def test_new_code_new_configuration_and_new_files_are_another_errand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, day = load(settings().config, MARKET), NIGHTS[0]
    errand = errand_of(config, day, 5)
    assert errand_of(config, day, 5).key == errand.key
    assert errand.by_hand == f"prefect deployment run daily/{MARKET} --param day={day}"
    assert errand_of(config.model_copy(update={"profile": "other"}), day, 5).key != errand.key
    with monkeypatch.context() as patch:
        patch.setattr("tasks.run.code_digest", lambda *rooms: "repaired")
        assert errand_of(config, day, 5).key != errand.key
    next(world.raw.rglob(f"date={day.replace(day=day.day - 1)}/*")).write_text("another file")
    assert errand_of(config, day, 5).key != errand.key
