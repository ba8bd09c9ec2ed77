"""Ranges of days and holes in them: what is run, what is left alone, and who is champion afterwards."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from elsewhere import elsewhere
from embedded import World, run_backfill, run_gaps, without_orchestrator
from killing import night
from left import Unkilled, seen
from tiny_market import FIRST, MARKET, NIGHTS, folder_of

from flows import dispatch
from flows.backfill import backfill
from flows.dispatch import cancel_children
from flows.errand import Errand
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


def test_nothing_that_goes_wrong_with_a_night_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[date]()

    def full(market: str, day: date) -> None:
        begun.append(day)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.backfill.daily", full)
    world = World(tmp_path)
    world.settle()
    with world.entered(), pytest.raises(DispatchError, match=f"(?s)2 nights.*{EVE}: OSError.*{TONIGHT}: OSE"):
        run_backfill(MARKET, EVE, TONIGHT)
    assert begun == [EVE, TONIGHT]


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"ends on {EVE}, before it begins on {TONIGHT}"):
        run_backfill(MARKET, TONIGHT, EVE)


@pytest.mark.parametrize("only_missing", [False, True])
def test_days_past_retention_are_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_missing: bool
) -> None:
    world, started = World(tmp_path), list[date]()
    world.settle("retention_days = 8")
    monkeypatch.setattr("flows.backfill.nights", lambda config, days, parallel: started.extend(days))
    with world.entered():
        with pytest.raises(ConfigError, match=f"1 of these days, {EVE} to {EVE}, are more than"):
            run_backfill(MARKET, EVE, EVE + timedelta(days=9), only_missing)
        assert started == []
        kept = run_backfill(MARKET, EVE, EVE + timedelta(days=8), only_missing)
    assert started == kept == [EVE + timedelta(days=n) for n in range(9)]


class Nightly:
    """A night's run on a pool, over at the second look; `most`: how many lived at once."""

    live, most, begun = 0, 0, list[str]()

    def __init__(self, errand: Errand) -> None:
        self.errand, self.looks = errand, 0
        self.begun.append(errand.name)
        Nightly.live += 1
        Nightly.most = max(Nightly.most, Nightly.live)

    @classmethod
    def of(cls, errand: Errand) -> "Nightly":
        return cls(errand)

    def look(self) -> bool:
        self.looks += 1
        Nightly.live -= self.looks == 2
        return self.looks == 2


@pytest.mark.parametrize("parallel", [1, 2])
def test_on_the_pools_so_many_nights_run_at_once_as_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    world = World(tmp_path)
    world.settle()
    monkeypatch.setenv("HM_DISPATCH", "pools")
    monkeypatch.setattr(dispatch, "Child", Nightly)
    monkeypatch.setattr(dispatch, "POLL_SECONDS", 0)
    monkeypatch.setattr(Nightly, "live", 0)
    monkeypatch.setattr(Nightly, "most", 0)
    monkeypatch.setattr(Nightly, "begun", [])
    with world.entered(), without_orchestrator():
        backfill.fn(MARKET, EVE, LATER, parallel=parallel)
    assert Nightly.begun == [f"{MARKET}-{day}" for day in (EVE, TONIGHT, NEXT, LATER)]
    assert Nightly.most == parallel


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
        market = config.market.model_copy(update={"retention_days": (LATER - NEXT).days})
        short = config.model_copy(update={"market": market})
        assert TONIGHT not in holes(short, LATER, 7), "the next run would delete what it makes"


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
