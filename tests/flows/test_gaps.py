"""When the check for gaps looks at all, and what it counts as the same night; no server is asked."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from uuid import uuid4

import pytest
from embedded import World, without_orchestrator
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from tiny_market import MARKET, NIGHTS

import flows.gaps
from flows.backfill import errand_of
from hm_pipeline.config import load
from hm_pipeline.registry.ledger import Decision
from hm_pipeline.registry.promotion import Verdict
from tasks import ledger
from tasks.settings import settings


class Server:
    """A Prefect server with one deployment and its runs: none, unless told otherwise."""

    def __init__(self, paused: bool, active: list[bool], runs: Iterable[Any] = ()) -> None:
        schedules = [SimpleNamespace(active=one) for one in active]
        self.nightly = SimpleNamespace(id=uuid4(), paused=paused, schedules=schedules)
        self.runs = list(runs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_deployment_by_name(self, name: str) -> Any:
        assert name == f"daily/{MARKET}"
        return self.nightly

    def read_flow_runs(self, flow_run_filter: FlowRunFilter) -> list[Any]:
        of_it, state = flow_run_filter.deployment_id, flow_run_filter.state
        assert of_it is not None
        assert of_it.any_ == [self.nightly.id]
        assert state is not None
        assert state.type is not None
        return [run for run in self.runs if run.state in (state.type.any_ or ())]


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


def a_run(state: StateType, given: date | None, planned: date) -> Any:
    """A flow run of the nights: of the day that it was given, else of the one it is planned for."""
    at = datetime(planned.year, planned.month, planned.day, 3, tzinfo=UTC)
    return SimpleNamespace(state=state, parameters={"day": given and str(given)}, expected_start_time=at)


def test_days_that_a_run_lives_for_or_was_cancelled_for_are_left_alone(
    world: World, started: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, running, planned, cancelled, crashed = NIGHTS
    verdict = Verdict(day=first, promote=False, winner=None, step="stays", reason="")
    ledger.append(MARKET, Decision(seq=1, day=first, run_digest="a", verdict=verdict, lists=""))
    server = Server(
        paused=False,
        active=[True],
        runs=[
            a_run(StateType.COMPLETED, first, first),
            a_run(StateType.RUNNING, running, crashed),
            a_run(StateType.SCHEDULED, None, planned),
            a_run(StateType.CANCELLED, cancelled, first),
            a_run(StateType.CRASHED, None, crashed),
        ],
    )
    assert check(monkeypatch, server, crashed) == started == [first, crashed]


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
