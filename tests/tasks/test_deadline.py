"""Late data is waited for while a deadline is ahead, and a fit gets the minutes that are left."""

import shutil
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from embedded import World, without_orchestrator
from hands import Hands
from tiny_market import FIRST, folder_of, views, write_day

from hm_pipeline.config import RunConfig, load
from hm_pipeline.errors import LateDataError
from hm_pipeline.progress import Step
from tasks.deadline import Clock, awaited, clocked, deadline_ahead, has_begun, has_passed, minutes_for
from tasks.prepare import arrived, prepare
from tasks.progress import listening
from tasks.run import Run
from tasks.settings import settings

DAY = date(2021, 6, 9)
NEWEST = DAY - timedelta(days=1)


def config(**publish: Any) -> RunConfig:
    """The tiny market with a deadline at six."""
    known = load(settings().config, "tiny")
    given = {"publish_by": "06:00", "poll_minutes": 40, "reserve_minutes": 20} | publish
    return RunConfig.model_validate(known.model_dump() | {"publish": known.publish.model_dump() | given})


def test_a_deadline_is_kept_from_the_beginning_of_the_day_until_it_is_over(world: World) -> None:
    six = datetime(2021, 6, 9, 6, tzinfo=UTC)
    for at, expected in (
        ("2021-06-08T23:59", None),
        ("2021-06-09T00:00", six),
        ("2021-06-09T05:59", six),
        ("2021-06-09T06:00", None),
        ("2021-11-25T01:00", None),
    ):
        with clocked(Hands(at).clock):
            assert deadline_ahead(config(), DAY) == expected, at
            assert deadline_ahead(config(publish_by=None), DAY) is None
            assert has_passed(config(), DAY) == (at >= "2021-06-09T06:00"), at


def test_a_day_has_begun_when_it_has_anywhere_on_earth(world: World) -> None:
    with clocked(Hands("2021-06-08T09:59").clock):
        assert not has_begun(DAY)
    with clocked(Hands("2021-06-08T10:00").clock):
        assert has_begun(DAY)


def late(times: int) -> Any:
    """A look that finds nothing so many times."""
    looks = []

    def look() -> str:
        looks.append(1)
        if len(looks) <= times:
            raise LateDataError("no _SUCCESS yet")
        return f"found at look {len(looks)}"

    return look


def test_what_is_late_is_looked_for_until_it_is_there_and_the_wait_is_told(world: World) -> None:
    hands, told = Hands("2021-06-09T03:00"), list[Step]()
    with clocked(hands.clock), listening(told.append):
        assert awaited(late(2), config(), DAY) == "found at look 3"
    assert hands.pauses == [2400, 2400]
    assert [(step.stage, step.done, step.total) for step in told] == [
        ("wait for data", 0, 180),
        ("wait for data", 40, 180),
    ]
    assert told[0].note == "waiting until 06:00:00 (UTC): no _SUCCESS yet"


def test_at_the_deadline_it_is_looked_for_once_more_and_then_refused(world: World) -> None:
    hands = Hands("2021-06-09T05:00")
    with clocked(hands.clock), pytest.raises(LateDataError, match="no _SUCCESS yet"):
        awaited(late(99), config(), DAY)
    assert hands.pauses == [2400, 1200]


@pytest.mark.parametrize("at", ["2021-06-08T22:00", "2021-06-09T06:00", "2022-01-01T00:00"])
def test_a_past_or_future_day_waits_for_nothing(world: World, at: str) -> None:
    hands = Hands(at)
    with clocked(hands.clock), pytest.raises(LateDataError):
        awaited(late(1), config(), DAY)
    assert hands.pauses == []


def test_a_run_waits_for_its_newest_day_and_reads_it_when_it_comes(world: World) -> None:
    whole = prepare.fn(config(), DAY, False)
    kept = world.folder / "kept"
    shutil.move(folder_of(world.raw, NEWEST), kept)
    begun = time.monotonic()
    clock = Clock(lambda: six_less(300 - (time.monotonic() - begun)), time.sleep)
    arrival = threading.Timer(0.3, lambda: shutil.move(kept, folder_of(world.raw, NEWEST)))
    arrival.start()
    with clocked(clock):
        found = prepare.fn(config(poll_minutes=0.001), DAY, False)
    arrival.join()
    assert found.inputs == whole.inputs


def six_less(seconds: float) -> datetime:
    return datetime(2021, 6, 9, 6, tzinfo=UTC) - timedelta(seconds=seconds)


def test_a_newest_day_that_holds_too_little_is_read_again_when_it_has_changed(world: World) -> None:
    log = views()
    write_day(world.raw, NEWEST, log.clear())
    hands = Hands("2021-06-09T03:00", lambda n: n == 2 and write_day(world.raw, NEWEST, log))
    with clocked(hands.clock), without_orchestrator():
        run = prepare.fn(config(), DAY, False)
        then, window = arrived(run)
    assert len(hands.pauses) == 2
    assert then.inputs != run.inputs
    assert then.model_copy(update={"inputs": run.inputs}) == run
    days = log["timestamp"].dt.date()
    expected = log.filter(days >= FIRST, days <= NEWEST, log["price"] > 0)
    assert window.facts["counts"]["accepted"] == len(expected)


def test_files_that_came_after_the_first_look_are_looked_at_again_without_a_pause(world: World) -> None:
    hands = Hands("2021-06-09T03:00")
    with clocked(hands.clock), without_orchestrator():
        run = prepare.fn(config(), DAY, False)
        write_day(world.raw, NEWEST, views().head(6_000))
        then, _ = arrived(run)
    assert hands.pauses == []
    assert then.inputs != run.inputs


def test_without_a_deadline_such_files_end_the_run_as_before(world: World) -> None:
    with without_orchestrator():
        run = prepare.fn(config(publish_by=None), DAY, False)
        write_day(world.raw, NEWEST, views().head(6_000))
        with pytest.raises(LateDataError, match="arrived while it began"):
            arrived(run)


def test_a_fit_gets_its_share_of_the_time_and_a_backfill_all_it_wants(world: World) -> None:
    def minutes(at: str, spent: float = 0, **publish: Any) -> float | None:
        with clocked(Hands(at).clock):
            return minutes_for(Run(config=config(**publish), day=DAY, inputs="abc"), "lstm", spent)

    assert minutes("2021-06-09T04:00") == 50, "of 100 minutes: the refit needs as long"
    assert minutes("2021-06-09T04:00", refit=False) == 100
    assert minutes("2021-06-09T04:00", max_train_minutes=30) == 30
    assert minutes("2021-06-09T05:50", max_train_minutes=30) == 0
    assert minutes("2021-07-01T05:50", max_train_minutes=30) == 30
    assert minutes("2021-07-01T05:50") is None
    assert minutes("2021-06-09T04:00", 45) == 50, "what is left until the deadline is left"
    assert minutes("2021-06-09T04:00", 10, max_train_minutes=30) == 20
    assert minutes("2021-07-01T05:50", 45, max_train_minutes=30) == 0
    assert minutes("2021-07-01T05:50", 45) is None
