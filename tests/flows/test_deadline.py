"""A night against its deadline: late data, no data, no time to train, lists that are not fit to be shown."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from elsewhere import elsewhere
from embedded import World, run_night
from hands import at
from left import Unkilled, mlflow_rows, seen
from tiny_market import ITEMS, MARKET, NIGHTS, folder_of, views, write_day

from hm_pipeline.errors import LateDataError, PublishError

EVE, TONIGHT, NEXT = NIGHTS[:3]
IN_TIME, NO_TIME, TOO_LATE = "03:00", "05:45", "07:00"


def due_at_six(world: World, checks: str = "") -> World:
    """The market gets a deadline, and checks of its lists."""
    publish = f"[publish.checks]\n{checks}\n[publish]\npublish_by = 06:00:00\npoll_minutes = 45\n"
    return rewritten(world, "[publish]\n", publish)


def heir_wins(world: World) -> World:
    """The champion's own kind inherits however bad it is, and no other kind ever wins."""
    return rewritten(rewritten(world, "margin = 0.5", "margin = 1"), "z = 10", "z = 1000")


def rewritten(world: World, old: str, new: str) -> World:
    file = world.folder / "config" / "markets" / "tiny.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return world


def test_a_night_whose_data_is_late_waits_and_ends_like_any_other(unkilled: Unkilled) -> None:
    world = due_at_six(unkilled.place.back_to("eve"))
    shutil.rmtree(folder_of(world.raw, EVE))
    _, pauses = elsewhere(world, at, IN_TIME, TONIGHT, world.raw)
    assert pauses == [45 * 60, 45 * 60]
    left = seen(world)
    assert (left.published, left.entries) == (unkilled.tonight.published, unkilled.tonight.entries)


def test_at_the_deadline_the_lists_before_are_marked_and_the_next_night_clears_it(unkilled: Unkilled) -> None:
    world = due_at_six(unkilled.place.back_to("tonight"))
    shutil.rmtree(folder_of(world.raw, TONIGHT))
    before = world.latest(MARKET)
    assert before is not None
    with pytest.raises(LateDataError, match=f"{TONIGHT}.* is not there yet"):
        elsewhere(world, at, IN_TIME, NEXT)
    marked = world.latest(MARKET)
    assert marked is not None
    assert marked["stale"]["expected"] == str(NEXT)
    assert f"date={TONIGHT}/ is not there yet" in marked["stale"]["reason"]
    assert marked == before | {"stale": marked["stale"]}
    assert seen(world) == unkilled.tonight

    shutil.rmtree(folder_of(world.raw, EVE))  # a published day is read again, whatever became of its raw data
    again, _ = elsewhere(world, at, IN_TIME, TONIGHT)
    assert again.reused
    assert world.latest(MARKET) == marked

    for day in (EVE, TONIGHT):
        write_day(world.raw, day, views())
    elsewhere(world, at, TOO_LATE, NEXT)
    shown = world.latest(MARKET)
    assert shown is not None
    assert (shown["day"], "stale" in shown) == (str(NEXT), False)


def test_a_fit_that_the_deadline_stops_is_published_and_the_same_when_there_is_time(
    unkilled: Unkilled,
) -> None:
    world = heir_wins(due_at_six(unkilled.place.back_to("eve")))
    outcome, pauses = elsewhere(world, at, NO_TIME, TONIGHT)
    hurried = seen(world)
    assert pauses == []
    assert outcome.champion is not None
    assert (outcome.champion.kind, outcome.champion.day) == ("lstm", TONIGHT)
    assert hurried.published != unkilled.tonight.published
    stopped = f"{MARKET}/{TONIGHT}/stopped"
    kept = world.folder.parent / "stopped"
    shutil.copytree(Path(world.root) / stopped, kept)

    world = heir_wins(due_at_six(unkilled.place.back_to("eve")))
    shutil.copytree(kept, Path(world.root) / stopped)
    shutil.rmtree(kept)
    elsewhere(world, at, TOO_LATE, TONIGHT)
    assert seen(world).published == hurried.published


def test_lists_that_are_not_fit_are_not_shown(unkilled: Unkilled) -> None:
    world = due_at_six(unkilled.place.back_to("eve"), "max_mix_distance = 0.0")
    with pytest.raises(PublishError, match=r"category mix .* more than 0.00"):
        elsewhere(world, at, IN_TIME, TONIGHT)
    left, latest = seen(world), world.latest(MARKET)
    assert (left.published, left.entries, left.aliases) == (
        unkilled.eve.published,
        unkilled.eve.entries,
        unkilled.eve.aliases,
    )
    assert latest is not None
    assert latest["stale"]["expected"] == str(TONIGHT)
    assert "category mix" in latest["stale"]["reason"]


def test_where_only_the_new_models_lists_are_unfit_the_champion_before_answers(unkilled: Unkilled) -> None:
    world = heir_wins(due_at_six(unkilled.place.back_to("eve"), "min_coverage = 1.0"))
    outcome, _ = elsewhere(world, at, NO_TIME, TONIGHT)
    assert unkilled.eve.champion is not None
    assert outcome.champion is not None
    assert (outcome.champion.kind, outcome.champion.day) == ("lstm", EVE)
    assert "the lists of lstm are not fit to be published" in outcome.verdict
    left, latest = seen(world), world.latest(MARKET)
    assert left.champion == unkilled.eve.champion
    assert latest is not None
    assert (latest["day"], "stale" in latest) == (str(TONIGHT), False)
    nets = registered(world, TONIGHT, "lstm")
    assert len(nets) == 2, "the one that was to be champion, and the candidate"
    assert_nobody_was_promoted(nets)


def registered(world: World, day: date, kind: str) -> dict[int, tuple[dict[str, str], str]]:
    """Tags and description of the versions of a kind that a night made."""
    told = dict(mlflow_rows(world, "version, description FROM model_versions"))
    tags: dict[int, dict[str, str]] = {version: {} for version in told}
    for version, key, value in seen(world).versions:
        tags[version][key] = value
    wanted = {"day": str(day), "kind": kind}.items()
    return {version: (own, told[version]) for version, own in tags.items() if wanted <= own.items()}


def assert_nobody_was_promoted(versions: dict[int, tuple[dict[str, str], str]]) -> None:
    for tags, description in versions.values():
        assert tags["users"] == "false"
        assert "A candidate that was not promoted" in description


def test_who_would_have_been_the_first_champion_is_none_in_mlflow_either(unkilled: Unkilled) -> None:
    world = due_at_six(unkilled.place.back_to("bare"), "max_mix_distance = 0.0")
    with pytest.raises(PublishError, match="category mix"):
        elsewhere(world, run_night, MARKET, EVE)
    assert not seen(world).entries
    nets = registered(world, EVE, "lstm")
    assert len(nets) == 1
    assert_nobody_was_promoted(nets)


def test_what_can_no_longer_be_bought_is_in_no_list(unkilled: Unkilled) -> None:
    world = rewritten(unkilled.place.back_to("eve"), "[market.users]", 'available = "sold"\n[market.users]')
    articles = world.raw / "articles" / f"market={MARKET}" / "articles.csv"
    gone = {f"i{n:02d}" for n in range(0, ITEMS, 2)}
    pl.read_csv(articles).with_columns(sold=~pl.col("item_id").is_in(gone)).write_csv(articles)
    elsewhere(world, run_night, MARKET, TONIGHT)
    published = world.published(MARKET)
    assert published is not None
    for name in ("lists.parquet", "default.parquet"):
        items = set(pl.read_parquet(published[name])["item_id"])
        assert items
        assert not items & gone
