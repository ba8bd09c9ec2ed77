"""Ranges of days and holes in them: what is run, what is left alone, and who is champion afterwards."""

from datetime import timedelta

import pytest
from elsewhere import elsewhere
from embedded import run_backfill, run_gaps
from killing import night
from left import Unkilled, seen
from tiny_market import FIRST, MARKET, NIGHTS, folder_of

from flows.backfill import backfill
from flows.dispatch import cancel_children
from hm_pipeline.config import load
from hm_pipeline.errors import ConfigError, DispatchError
from tasks.gaps import holes, is_there, missing
from tasks.settings import settings

EVE, TONIGHT, NEXT, LATER = NIGHTS[:4]


def test_a_backfill_runs_what_is_missing_and_leaves_the_newer_champion(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    assert not night(world, NEXT)
    before = seen(world)
    assert elsewhere(world, run_backfill, MARKET, EVE, NEXT, True) == [EVE, TONIGHT]
    after = seen(world)
    assert (after.champion, after.aliases, after.published) == (
        before.champion,
        before.aliases,
        before.published,
    )
    assert len(after.versions) > len(before.versions), "what was backfilled is registered"
    with world.entered():
        assert missing(MARKET, EVE, LATER) == [LATER]
    assert elsewhere(world, run_backfill, MARKET, EVE, NEXT, True) == []


def test_a_day_that_fails_stops_no_other_and_is_named(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    for file in folder_of(world.raw, TONIGHT - timedelta(days=1)).iterdir():
        file.unlink()
    with pytest.raises(DispatchError, match=f"(?s)1 nights failed.*{TONIGHT}.*LateDataError"):
        elsewhere(world, run_backfill, MARKET, EVE, TONIGHT)
    with world.entered():
        assert is_there(MARKET, EVE)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"ends on {EVE}, before it begins on {TONIGHT}"):
        run_backfill(MARKET, TONIGHT, EVE)


def test_who_cancels_a_backfill_cancels_its_nights() -> None:
    assert cancel_children in backfill.on_cancellation_hooks


def test_a_hole_has_a_night_before_it_and_data(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    with world.entered():
        config = load(settings().config, MARKET)
        assert holes(config, LATER, 7) == [TONIGHT, NEXT, LATER]
        assert holes(config, LATER, 2) == [NEXT, LATER]
        assert holes(config, EVE, 7) == []
        for file in folder_of(world.raw, NEXT - timedelta(days=1)).iterdir():
            file.unlink()
        assert NEXT not in holes(config, LATER, 7), "its newest day is not there"


def test_before_the_first_night_only_the_day_itself_is_a_hole(unkilled: Unkilled) -> None:
    with unkilled.place.back_to("bare").entered():
        config = load(settings().config, MARKET)
        assert holes(config, NEXT, 7) == [NEXT]
        assert holes(config, FIRST, 7) == [], "there is no data"


def test_the_check_fills_what_an_outage_swallowed(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    assert elsewhere(world, run_gaps, MARKET, NEXT) == [TONIGHT, NEXT]
    left = seen(world)
    assert left.champion is not None
    assert left.champion[1] == str(NEXT)
    assert elsewhere(world, run_gaps, MARKET, NEXT) == []


def test_a_night_that_died_before_its_report_is_a_hole(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    assert night(world, TONIGHT, "before the manifest of report 1")
    assert elsewhere(world, run_gaps, MARKET, TONIGHT) == [TONIGHT]
    assert seen(world) == unkilled.tonight
