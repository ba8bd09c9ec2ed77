"""What a night tells of the data, of how its champions age and of what it took, on the nights of a market."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
from elsewhere import elsewhere
from embedded import World, run_night
from left import Unkilled, seen
from tiny_market import MARKET, NIGHTS, views, write_day

TONIGHT, NEXT = NIGHTS[1:3]


def in_mlflow(world: World, what: str) -> list[Any]:
    with closing(sqlite3.connect(world.folder / "work" / "mlflow.db")) as database:
        return database.execute(f"SELECT {what}").fetchall()


def page(world: World) -> str:
    (file,) = (Path(world.root) / MARKET / str(NEXT) / "report").rglob("report.md")
    return file.read_text()


def test_a_third_night_asks_both_champions_before_it(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert [(p.age, p.nights) for p in outcome.ageing] == [(1, 2), (2, 1)]
    fresh, old = outcome.ageing
    assert fresh.against_fresh.mean == 0
    assert old.against_fresh.n == old.users
    assert old.users < fresh.users
    stages = [cost.stage for cost in outcome.stages]
    assert stages[0] == "extract"
    assert stages[-2:] == ["refit lstm", "lists of lstm"]
    assert {"train lstm", "evaluate champion", "drift", "longevity"} < set(stages)
    assert not any(cost.reused for cost in outcome.stages)
    assert [finding.outside for finding in outcome.drift.findings] == [False] * 5
    told = page(world)
    assert all(f"\n## {title}\n" in told for title in ("The newest day", "How champions age", "What it took"))
    day = f"run_uuid IN (SELECT run_uuid FROM runs WHERE name = '{MARKET} {NEXT}')"
    figures = dict(in_mlflow(world, f"key, value FROM latest_metrics WHERE {day}"))
    assert {"seconds/extract", "seconds/train-lstm", "seconds/lists-of-lstm", "drift/volume"} < set(figures)
    timeline = "run_uuid IN (SELECT run_uuid FROM runs WHERE name LIKE 'timeline%')"
    aged = dict(
        in_mlflow(world, f"key, value FROM latest_metrics WHERE {timeline} AND key LIKE 'longevity/%'")
    )
    assert set(aged) == {"longevity/hr_at_age_1", "longevity/hr_at_age_2"}
    artifacts = world.folder / "work" / "mlartifacts"
    for name in ("longevity.png", "item_profiles.png"):
        assert list(artifacts.rglob(name))
    assert outcome.page is not None
    drawn = Path(outcome.page).read_text(encoding="utf-8")
    assert outcome.verdict in unescape(drawn)
    assert drawn in [file.read_text(encoding="utf-8") for file in artifacts.rglob("report.html")]
    cards = in_mlflow(world, "version, description FROM model_versions ORDER BY version")
    assert len(cards) == 12
    assert all(card.startswith("# ") and "## Known limits" in card for _, card in cards)
    assert "Champion from this night on" in cards[-1][1]
    assert len(list(artifacts.rglob("model_card.md"))) == 2 * len(cards), (
        "beside the figures, and in the version"
    )


def test_a_champion_past_retention_is_left_out_and_named(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    assert unkilled.eve.champion is not None
    shutil.rmtree(Path(world.root) / unkilled.eve.champion[3])
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert [p.age for p in outcome.ageing] == [1]
    assert f"longevity: lstm of {NIGHTS[0]} is past retention" in outcome.notes


def test_an_old_champion_whose_files_are_damaged_fails_no_night(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    assert unkilled.eve.champion is not None
    (weights,) = (Path(world.root) / unkilled.eve.champion[3]).rglob("*.safetensors")
    weights.write_bytes(b"")
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert outcome.champion.day == NEXT
    assert any(note.startswith(f"longevity: lstm of {NIGHTS[0]}: ") for note in outcome.notes)


def test_a_day_of_unknown_items_promotes_nobody_and_says_why(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    strange = views().with_columns(item_id=pl.concat_str(pl.lit("new-"), "item_id"))
    write_day(world.raw, NEXT - timedelta(days=1), strange)
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert outcome.champion.day == TONIGHT
    assert f"The data of {NEXT - timedelta(days=1)} drifted: unknown items is 1.0000" in outcome.verdict
    assert any(note.startswith("drift: unknown items is 1.0000") for note in outcome.notes)
    assert "stops a promotion" in page(world)
    assert seen(world).champion == unkilled.tonight.champion
