"""Lists that should have been replaced say so, and only while that is true."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from embedded import World
from hands import Hands
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.exceptions import CancelledRun, TerminationSignal
from prefect.settings import PREFECT_API_URL, temporary_settings

from hm_pipeline.config import RunConfig, load
from hm_pipeline.errors import LateDataError, PublishError, QuarantineError
from hm_pipeline.registry.ledger import Decision
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.storage import open_storage
from tasks import events, ledger
from tasks.commit import move_latest
from tasks.deadline import clocked
from tasks.settings import settings
from tasks.stale import mark_if_late, mark_stale, marking_stale

EVE, DAY, NEXT = date(2021, 6, 8), date(2021, 6, 9), date(2021, 6, 10)


def decided(day: date, lists: str) -> None:
    """A night that shows new lists; the pointer is still to follow."""
    verdict = Verdict(day=day, promote=False, winner=None, step="stays", reason="")
    seq = ledger.current("tiny").seq + 1
    ledger.append("tiny", Decision(seq=seq, day=day, run_digest="a", verdict=verdict, lists=lists))


@pytest.fixture
def shown(world: World) -> World:
    """The lists of the 9th are shown."""
    decided(DAY, "lists/9")
    move_latest("tiny", ledger.current("tiny"))
    return world


def test_the_lists_shown_are_marked_once_and_stay(shown: World) -> None:
    before = shown.latest("tiny")
    assert mark_stale("tiny", NEXT, "no data came")
    assert not mark_stale("tiny", NEXT, "again")
    assert before is not None
    assert shown.latest("tiny") == before | {"stale": {"expected": "2021-06-10", "reason": "no data came"}}


def test_the_next_publication_takes_the_mark_away(shown: World) -> None:
    mark_stale("tiny", NEXT, "no data came")
    decided(NEXT, "lists/10")
    assert move_latest("tiny", ledger.current("tiny"))
    latest = shown.latest("tiny")
    assert latest is not None
    assert (latest["manifest"], "stale" in latest) == ("lists/10/manifest.json", False)


def test_a_rollback_shows_other_lists_of_the_day_that_are_as_stale(shown: World) -> None:
    mark_stale("tiny", NEXT, "no data came")
    move_latest("tiny", replace(ledger.current("tiny"), lists="lists/9-rolled-back", seq=2))
    latest = shown.latest("tiny")
    assert latest is not None
    assert (latest["manifest"], latest["stale"]["expected"]) == (
        "lists/9-rolled-back/manifest.json",
        "2021-06-10",
    )


@pytest.mark.parametrize("day", [EVE, DAY])
def test_an_older_or_published_day_marks_nothing(shown: World, day: date) -> None:
    before = shown.latest("tiny")
    assert not mark_stale("tiny", day, "it was run again")
    assert shown.latest("tiny") == before


def test_an_older_day_leaves_the_mark_of_a_newer_one(shown: World) -> None:
    mark_stale("tiny", date(2021, 6, 11), "no data came")
    assert not mark_stale("tiny", NEXT, "neither did these")


def test_a_day_that_is_still_to_come_is_not_late(shown: World) -> None:
    with clocked(Hands("2021-06-09T08:00").clock):
        assert not mark_stale("tiny", NEXT, "a slip of the pen")
        assert mark_stale("tiny", date(2021, 6, 9), "") is False
    with clocked(Hands("2021-06-09T12:00").clock):
        assert mark_stale("tiny", NEXT, "in Auckland it is that day")


def test_a_market_that_shows_nothing_has_nothing_to_mark(world: World) -> None:
    assert not mark_stale("tiny", DAY, "no data came")
    assert world.latest("tiny") is None


def test_a_run_that_died_after_its_commit_is_published_instead(shown: World) -> None:
    decided(NEXT, "lists/10")
    assert not mark_stale("tiny", NEXT, "it crashed")
    latest = shown.latest("tiny")
    assert latest is not None
    assert (latest["day"], "stale" in latest) == ("2021-06-10", False)


def test_after_the_deadline_a_night_that_never_ended_is_marked(shown: World) -> None:
    known = load(settings().config, "tiny")
    due = RunConfig.model_validate(
        known.model_dump() | {"publish": known.publish.model_dump() | {"publish_by": "06:00"}}
    )
    with clocked(Hands("2021-06-10T05:59").clock):
        assert not mark_if_late(due, NEXT)
    with clocked(Hands("2021-06-10T06:00").clock):
        assert not mark_if_late(known, NEXT), "it has no deadline"
        assert mark_if_late(due, NEXT)
    latest = shown.latest("tiny")
    assert latest is not None
    assert "06:00" in latest["stale"]["reason"]


def reason(world: World, error: BaseException) -> str | None:
    """What the pointer says after a run of the 10th that ends so."""
    with pytest.raises(type(error)), marking_stale("tiny", NEXT):
        raise error
    latest = world.latest("tiny")
    assert latest is not None
    stale = latest.get("stale")
    return None if stale is None else str(stale["reason"])


def test_a_run_that_fails_says_why(shown: World) -> None:
    assert reason(shown, LateDataError("no _SUCCESS yet")) == "LateDataError: no _SUCCESS yet"


def test_an_error_that_may_name_a_user_is_told_by_its_kind(shown: World) -> None:
    told = reason(shown, QuarantineError("12 rows of u0007"))
    assert told == "QuarantineError: More rows were rejected than the market tolerates."


def test_a_bug_is_told_by_its_kind(shown: World) -> None:
    assert reason(shown, KeyError("u0007")) == "KeyError: the run ended by a fault of its own; see its log"


@pytest.mark.parametrize(
    "end", [TerminationSignal(signal.SIGTERM), CancelledRun("in the UI"), SystemExit(143)], ids=repr
)
def test_a_run_that_is_ended_from_outside_is_not_told_as_its_own_fault(
    shown: World, end: BaseException
) -> None:
    told = reason(shown, end)
    assert told is not None
    assert told.startswith(f"{type(end).__name__}: the run was ended from outside")


def test_who_stops_a_run_at_the_keyboard_marks_nothing(shown: World) -> None:
    assert reason(shown, KeyboardInterrupt()) is None


def test_where_marking_fails_the_first_error_stands(shown: World) -> None:
    open_storage(shown.root).write("tiny/latest.json", b"no json")
    with pytest.raises(PublishError, match="the first"), marking_stale("tiny", NEXT):
        raise PublishError("the first")


@pytest.fixture
def heard() -> Iterator[type[AssertingEventsClient]]:
    """Events as a server would get them; none is there."""
    AssertingEventsClient.reset()
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        EventsWorker.set_client_override(AssertingEventsClient)
        yield AssertingEventsClient
        EventsWorker.set_client_override(None)
    AssertingEventsClient.reset()


def told(heard: type[AssertingEventsClient]) -> list[tuple[str, str, dict[str, Any]]]:
    EventsWorker.instance().drain()
    return [(e.event, e.resource.id, e.payload) for client in heard.all for e in client.events]


def test_somebody_is_told_of_stale_lists_once(shown: World, heard: type[AssertingEventsClient]) -> None:
    for _ in range(2):
        mark_stale("tiny", NEXT, "no data came")
    assert told(heard) == [
        ("hm.lists.stale", "hm.market.tiny", {"day": "2021-06-10", "reason": "no data came"})
    ]


def test_somebody_is_told_of_new_lists_and_of_drift(heard: type[AssertingEventsClient]) -> None:
    events.lists_published("tiny", DAY, "lstm")
    events.drifted("tiny", DAY, "too many hats")
    assert told(heard) == [
        ("hm.lists.published", "hm.market.tiny", {"day": "2021-06-09", "kind": "lstm", "seconds": None}),
        ("hm.drift", "hm.market.tiny", {"day": "2021-06-09", "reason": "too many hats"}),
    ]
