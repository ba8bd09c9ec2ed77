"""A market's nights, one after another: what stands, what moves, what is forgotten, what is refused."""

import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from elsewhere import elsewhere
from embedded import World, prune_as_of, run_night
from killing import night
from left import Unkilled, seen
from tiny_market import DAYS, FIRST, MARKET, NIGHTS, USERS, folder_of, views, write_config, write_day
from whole_scan import files_with

from flows.office import release_holds, roll_back
from flows.shortcut import already
from hm_pipeline.errors import LateDataError, ModelError, PublishError, RegistryError
from hm_pipeline.registry.ledger import Decision, Erasure, Rollback
from hm_pipeline.storage import open_storage
from tasks import ledger

EVE, TONIGHT, NEXT = NIGHTS[:3]
ERASED = "u0007"


def test_a_second_run_recomputes_nothing_and_says_so(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    before = files(world)
    outcome = elsewhere(world, run_night, MARKET, TONIGHT)
    assert outcome.reused
    assert outcome.day == TONIGHT
    assert files(world) == before
    assert seen(world) == unkilled.tonight


def files(world: World) -> dict[str, int]:
    """Every result and when it was written."""
    found = [file for file in Path(world.root).rglob("*") if file.is_file() and ".parts" not in file.parts]
    return {str(file): file.stat().st_mtime_ns for file in found if file.name != ".lock"}


def test_a_day_whose_inputs_changed_stands_until_it_is_to_be_decided_again(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    write_day(world.raw, TONIGHT - timedelta(days=1), views().filter(pl.col("user_id") < "u0350"))
    outcome = elsewhere(world, run_night, MARKET, TONIGHT)
    assert outcome.reused
    assert any("--redo" in note for note in outcome.notes)
    assert seen(world) == unkilled.tonight
    again = elsewhere(world, run_night, MARKET, TONIGHT, True)
    assert not again.reused
    left = seen(world)
    assert len(left.entries) == 3
    assert left.champion is not None
    assert left.champion[1] == str(TONIGHT)
    assert left.champion != unkilled.tonight.champion
    assert left.aliases["previous"] == unkilled.eve.aliases["champion"]
    assert left.published != unkilled.tonight.published


def test_days_in_reverse_order_move_neither_alias_nor_pointer(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    assert not night(world, TONIGHT)
    first, pointer = seen(world), world.latest(MARKET)
    assert first.champion is not None
    assert not night(world, EVE)
    left = seen(world)
    assert (left.aliases, left.champion, world.latest(MARKET)) == (first.aliases, first.champion, pointer)
    assert left.published == first.published
    with world.entered():
        older = ledger.entries(MARKET)[-1]
    assert isinstance(older, Decision)
    assert (older.day, older.verdict.step, older.champion) == (EVE, "older day", None)
    assert str(TONIGHT) in older.verdict.reason
    assert not list(Path(world.root, MARKET, str(EVE)).glob("lists/*")), "nobody would read them"


def test_a_rollback_shows_the_champion_before_and_holds_the_other_until_it_is_released(
    unkilled: Unkilled,
) -> None:
    world = unkilled.place.back_to("tonight")
    elsewhere(world, roll_back, MARKET, "too many hats")
    left = seen(world)
    assert left.champion == unkilled.eve.champion
    assert left.aliases["champion"] == 4
    shown = world.latest(MARKET)
    assert shown is not None
    assert shown["day"] == str(TONIGHT)
    assert left.published != unkilled.tonight.published
    assert users(left.published) == users(unkilled.tonight.published), "yesterday's model, today's histories"
    with world.entered():
        entry, now = ledger.entries(MARKET)[-1], ledger.current(MARKET)
    assert isinstance(entry, Rollback)
    assert (entry.reason, now.held_kinds, now.held_versions) == ("too many hats", {"lstm"}, {8})
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        elsewhere(world, roll_back, MARKET, "once more")

    assert elsewhere(world, run_night, MARKET, NEXT).champion.version == 4, "held: it may not compete"
    elsewhere(world, release_holds, MARKET, "hats are fine")
    with world.entered():
        assert not ledger.current(MARKET).held_kinds
    with pytest.raises(RegistryError, match="nothing is held"):
        elsewhere(world, release_holds, MARKET, "again")
    outcome = elsewhere(world, run_night, MARKET, NIGHTS[3])
    assert (outcome.champion.kind, outcome.champion.day) == ("lstm", NIGHTS[3])


def lists(published: dict[str, bytes] | None) -> pl.DataFrame:
    assert published is not None
    return pl.read_parquet(published["lists.parquet"])


def users(published: dict[str, bytes] | None) -> set[str]:
    return set(lists(published)["user_id"])


def test_the_hit_ratio_of_the_lists_that_were_shown_is_told_the_night_after(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    assert elsewhere(world, run_night, MARKET, EVE).published_hr is None
    told = elsewhere(world, run_night, MARKET, TONIGHT).published_hr
    assert told == pytest.approx(hit_ratio_by_hand(unkilled.eve.published, EVE))


def hit_ratio_by_hand(published: dict[str, bytes] | None, day: date) -> float:
    """Each user's first view of the day that is not the article looked at just before, against the lists."""
    assert published is not None
    default = set(pl.read_parquet(published["default.parquet"])["item_id"])
    own = {
        user: set(items) for user, items in lists(published).group_by("user_id").agg("item_id").iter_rows()
    }
    last: dict[str, str] = {}
    first: dict[str, str] = {}
    for user, item, at, _, price in views().sort("timestamp").iter_rows():
        within = TONIGHT - timedelta(days=8) <= at.date() < TONIGHT and price > 0
        if within and last.get(user) != item:
            last[user] = item
            if at.date() == day:
                first.setdefault(user, item)
    return sum(item in own.get(user, default) for user, item in first.items()) / len(first)


def test_who_asks_to_be_forgotten_is_found_nowhere(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    other = f"u{USERS - 1:04d}"
    where = {name.split("/")[2] for name in files_with(ERASED, world.folder / "root")}
    assert where == {"extract", "quarantine", "samples", "model", "lists"}
    assert files_with(ERASED, world.folder / "work" / "mlartifacts")
    erase(world, ERASED)
    assert elsewhere(world, run_night, MARKET, TONIGHT).reused
    shutil.rmtree(world.raw / "web_interactions")
    assert not [name for name in files_with(ERASED, world.folder) if not name.startswith("raw/")]
    assert files_with(other, world.folder / "root")
    assert lists(world.published(MARKET)).equals(
        lists(unkilled.tonight.published).filter(pl.col("user_id") != ERASED)
    )
    with world.entered():
        entry = ledger.entries(MARKET)[-1]
    assert isinstance(entry, Erasure)
    assert len(entry.users) == 1
    assert ERASED not in entry.model_dump_json()


def erase(world: World, user: str) -> None:
    file = world.raw / "erase" / f"market={MARKET}" / "today.txt"
    file.parent.mkdir(parents=True)
    file.write_text(f"{user}\n")


def test_an_erasure_is_entered_once(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    erase(world, ERASED)
    for _ in range(2):
        elsewhere(world, run_night, MARKET, TONIGHT)
    assert len(seen(world).entries) == 3


def test_what_is_past_its_days_is_deleted_but_for_what_is_shown(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    write_config(world.folder / "config", "retention_days = 8")
    storage = open_storage(world.root)
    with world.entered():
        now = ledger.current(MARKET)
    assert elsewhere(world, prune_as_of, MARKET, TONIGHT + timedelta(days=8)) == [EVE]
    assert now.champion is not None
    assert now.previous is not None
    assert {e.key.split("/attempt-")[0] for e in storage.keys(f"{MARKET}/{EVE}")} == {
        now.previous.uri,
        f"{now.previous.uri}/manifest.json",
    }
    elsewhere(world, prune_as_of, MARKET, TONIGHT + timedelta(days=80))
    stages = {e.key.split("/")[2] for e in storage.keys(f"{MARKET}/{TONIGHT}")}
    assert stages == {"model", "lists"}
    assert seen(world) == unkilled.tonight


def test_a_mistyped_day_of_next_year_deletes_nothing(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    write_config(world.folder / "config", "retention_days = 8")
    before = files(world)
    with pytest.raises(LateDataError):
        elsewhere(world, run_night, MARKET, TONIGHT + timedelta(days=365))
    assert files(world).keys() == before.keys()


def test_a_champion_that_cannot_be_read_any_more_is_replaced(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    lose_champion(world)
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert outcome.champion.day == NEXT
    assert outcome.verdict.startswith(f"The champion, lstm of {TONIGHT}, cannot be read")
    latest = world.latest(MARKET)
    assert latest is not None
    assert latest["day"] == str(NEXT)


def test_where_nobody_may_replace_it_the_night_fails_and_the_lists_are_stale(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    lose_champion(world)
    configure(world, "min_targets = 20", "min_targets = 100000")
    with pytest.raises(ModelError, match="nobody may take its place"):
        elsewhere(world, run_night, MARKET, NEXT)
    latest = world.latest(MARKET)
    assert latest is not None
    assert (latest["day"], latest["stale"]["expected"]) == (str(TONIGHT), str(NEXT))


def lose_champion(world: World) -> None:
    with world.entered():
        champion = ledger.current(MARKET).champion
    assert champion is not None
    open_storage(world.root).delete(f"{champion.uri}/manifest.json")


def configure(world: World, old: str, new: str) -> None:
    file = world.folder / "config" / "markets" / f"{MARKET}.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_lists_that_are_not_fit_to_be_shown_are_not_rolled_back_to(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    configure(world, "[gate]", "[publish.checks]\nmax_mix_distance = 0.0\n\n[gate]")
    with pytest.raises(PublishError):
        elsewhere(world, roll_back, MARKET, "too many hats")
    assert seen(world) == unkilled.tonight


def test_hm_run_marks_the_lists_stale_where_the_newest_day_did_not_come(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    shutil.rmtree(folder_of(world.raw, TONIGHT))
    with pytest.raises(LateDataError):
        elsewhere(world, already, MARKET, NEXT, False)
    latest = world.latest(MARKET)
    assert latest is not None
    assert latest["stale"]["expected"] == str(NEXT)


def test_late_data_is_refused_and_nothing_published_is_lost(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("tonight")
    shutil.rmtree(folder_of(world.raw, TONIGHT))
    with pytest.raises(LateDataError, match=str(TONIGHT)):
        elsewhere(world, run_night, MARKET, NEXT)
    assert seen(world) == unkilled.tonight
    write_day(world.raw, TONIGHT, views())
    outcome = elsewhere(world, run_night, MARKET, NEXT)
    assert not outcome.reused
    assert outcome.champion.day == NEXT


def test_what_happens_from_the_run_date_on_changes_nothing(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    for day in range(DAYS):
        if FIRST + timedelta(days=day) >= EVE:
            shutil.rmtree(folder_of(world.raw, FIRST + timedelta(days=day)))
    assert not night(world, EVE)
    assert seen(world) == unkilled.eve


def test_the_order_of_rows_in_source_files_changes_nothing(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    sources = sorted(world.raw.rglob("*.csv"))
    assert len(sources) == DAYS + 2
    for file in sources:
        header, *rows = file.read_text().splitlines()
        shuffled = pl.Series(rows).shuffle(seed=1).to_list()
        assert shuffled != rows
        file.write_text("\n".join([header, *shuffled]) + "\n")
    assert not night(world, EVE)
    assert seen(world).published == unkilled.eve.published


@pytest.mark.slow
def test_the_command_line_runs_the_same_night_through_the_orchestrator(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    assert "new champion is lstm" in " ".join(hm(world, "run", "--market", MARKET, "--day", str(EVE)).split())
    assert seen(world) == unkilled.eve
    assert "Nothing was recomputed" in hm(world, "run", "--market", MARKET, "--day", str(EVE))
    assert f"recommended on {EVE} by lstm" in hm(world, "show", "--market", MARKET, "--user", ERASED)


def hm(world: World, *words: str) -> str:
    command = [sys.executable, "-m", "flows.cli", *words]
    done = subprocess.run(
        command, env=world.process_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_night_in_a_bucket_publishes_the_same_bytes(
    unkilled: Unkilled, s3_root: str, tmp_path: Path
) -> None:
    world = World(tmp_path / "world", bucket=f"{s3_root}/nightly")
    world.settle()
    raw = open_storage(world.environment()["HM_RAW"])
    for file in (f for f in world.raw.rglob("*") if f.is_file()):
        raw.upload(file, file.relative_to(world.raw).as_posix())
    shutil.rmtree(world.raw)
    assert night(world, EVE, "between ledger and pointer")
    assert world.published(MARKET) is None
    assert not night(world, EVE)
    assert world.published(MARKET) == unkilled.eve.published
    assert seen(world).aliases == unkilled.eve.aliases
    raw.write(f"erase/market={MARKET}/today.txt", f"{ERASED}\n".encode())
    assert elsewhere(world, run_night, MARKET, EVE).reused
    shutil.rmtree(world.folder / "fetched")
    assert files_with(ERASED, world.folder) == []
    kept = world.folder / "kept"
    storage = open_storage(world.root)
    for entry in storage.keys(MARKET):
        storage.fetch(entry.key, kept / entry.key)
    assert files_with(ERASED, kept) == []
    assert users(world.published(MARKET)) == users(unkilled.eve.published) - {ERASED}
