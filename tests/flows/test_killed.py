"""A night that is killed anywhere and run again ends like one that was not, and never shows half of it."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from embedded import World
from killing import STAGES, night
from left import Left, Unkilled, seen
from tiny_market import MARKET, NIGHTS
from whole_scan import files_with

from hm_pipeline.registry.ledger import Erasure
from tasks import ledger

EVE, TONIGHT = NIGHTS[:2]
ERASED = "u0007"


def test_the_reference_promotes_and_publishes_on_both_nights(unkilled: Unkilled) -> None:
    eve, tonight = unkilled.eve, unkilled.tonight
    assert eve.champion is not None
    assert tonight.champion is not None
    assert (eve.champion[:2], tonight.champion[:2]) == (("lstm", str(EVE)), ("lstm", str(TONIGHT)))
    assert eve.published
    assert tonight.published
    assert eve.published != tonight.published
    assert (eve.aliases, tonight.aliases) == (OLD, NEW)
    assert {version for version, *_ in tonight.versions} == set(range(1, 9))
    assert {status for _, status in tonight.runs} == {"FINISHED"}


def killed(unkilled: Unkilled, world: World, point: str) -> Left:
    """A night that dies at `point`; what it leaves is whole, and either old or new."""
    assert night(world, TONIGHT, point), f"the night never came to: {point}"
    left = seen(world)
    assert left.published in (unkilled.eve.published, unkilled.tonight.published)
    return left


def finished(unkilled: Unkilled, world: World) -> None:
    """Run again to the end: all is as if nothing had happened, and nothing is left of what was killed."""
    assert not night(world, TONIGHT)
    assert seen(world) == unkilled.tonight
    assert orphans(world) == []
    assert [*(world.folder / "work" / "scratch").iterdir()] == []


def orphans(world: World) -> list[str]:
    """Folders of tries that no manifest names."""
    tries = [folder for folder in Path(world.root).rglob("attempt-*") if folder.is_dir()]
    manifests = {folder: folder.parent / "manifest.json" for folder in tries}
    return [f"{f}" for f, m in manifests.items() if not m.exists() or f.name not in m.read_text()]


@pytest.mark.parametrize("moment", ["after the first file", "before the manifest"])
def test_killed_once_in_every_stage(unkilled: Unkilled, moment: str) -> None:
    world = unkilled.place.back_to("eve")
    for stage, number in STAGES:
        left = killed(unkilled, world, f"{moment} of {stage} {number}")
        expected = unkilled.tonight if stage == "report" else unkilled.eve
        assert left.published == expected.published
        assert left.champion == expected.champion
    finished(unkilled, world)


def test_killed_while_a_net_is_trained(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    for point in ("in mid-epoch", "in mid-checkpoint", "in mid-epoch", "in mid-epoch of the refit"):
        assert killed(unkilled, world, point) == unkilled.eve
        assert [*(world.folder / "work" / "checkpoints").rglob("pointer.json")], "there is nothing to resume"
    finished(unkilled, world)


def test_killed_while_models_are_registered(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    for point in (
        "after a model's run began",
        "after a model's files, before its version",
        "after a version",
        "before the ledger",
    ):
        left = killed(unkilled, world, point)
        assert (left.published, left.champion) == (unkilled.eve.published, unkilled.eve.champion)
        assert left.aliases == unkilled.eve.aliases
    finished(unkilled, world)


@pytest.fixture(scope="module")
def registered(unkilled: Unkilled) -> str:
    """A night killed after everything is registered and before it is committed, for others to go on from."""
    world = unkilled.place.back_to("eve")
    killed(unkilled, world, "before the ledger")
    unkilled.place.keep("registered")
    return "registered"


OLD, NEW = {"champion": 4}, {"champion": 8, "previous": 4, "challenger": 6}


@pytest.mark.parametrize(
    ("point", "entries", "shown"),
    [
        ("in mid-ledger", 1, "eve"),
        ("between ledger and pointer", 2, "eve"),
        ("between pointer and alias", 2, "tonight"),
    ],
)
def test_killed_around_the_commit(
    unkilled: Unkilled, registered: str, point: str, entries: int, shown: str
) -> None:
    world = unkilled.place.back_to(registered)
    left = killed(unkilled, world, point)
    assert len(left.entries) == entries
    assert left.aliases == OLD
    assert left.published == {"eve": unkilled.eve, "tonight": unkilled.tonight}[shown].published
    finished(unkilled, world)


def test_killed_again_and_again_while_it_repairs_what_a_kill_left(
    unkilled: Unkilled, registered: str
) -> None:
    world = unkilled.place.back_to(registered)
    for point, aliases, shown in (
        ("between ledger and pointer", OLD, unkilled.eve),
        ("in mid-pointer", OLD, unkilled.eve),
        ("after the pointer", OLD, unkilled.tonight),
        ("between pointer and alias", OLD, unkilled.tonight),
        ("between two aliases", {"champion": 8}, unkilled.tonight),
    ):
        left = killed(unkilled, world, point)
        assert (left.aliases, left.published) == (aliases, shown.published), point
    finished(unkilled, world)


def test_the_first_night_killed_again_and_again_shows_nothing_until_it_is_whole(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    for point in (
        "while MLflow's tables are made",
        "in the timeline",
        "after the first file of lists 1",
        "between ledger and pointer",
        "in mid-pointer",
    ):
        assert night(world, EVE, point), point
        assert world.published(MARKET) is None
    assert night(world, EVE, "between pointer and alias")
    assert world.published(MARKET) == unkilled.eve.published
    assert not night(world, EVE)
    assert seen(world) == unkilled.eve


def test_killed_in_mid_erasure_forgets_all_the_same(unkilled: Unkilled) -> None:
    _to_be_erased(unkilled.place.back_to("eve"))
    assert not night(unkilled.place.world, TONIGHT)
    expected = seen(unkilled.place.world)
    world = unkilled.place.back_to("eve")
    assert night(world, TONIGHT, "after the first file of extract 1")  # a try that nobody will finish
    _to_be_erased(world)
    assert files_with(ERASED, world.folder / "root")
    for point in (
        "between an erased manifest and its old files",
        "between an erased model's rows and ids",
        "between erasing and saying so",
    ):
        assert night(world, TONIGHT, point), point
        assert world.published(MARKET)
    assert not night(world, TONIGHT)
    shutil.rmtree(world.raw)
    assert files_with(ERASED, world.folder) == []
    left = seen(world)
    assert (left.published, left.champion, left.aliases) == (
        expected.published, expected.champion, expected.aliases
    )  # fmt: skip
    assert {status for _, status in left.runs} == {"FINISHED"}
    assert [entry.split()[0] for entry in left.entries] == ["decision", "erasure", "decision"]
    with world.entered():
        erasure = ledger.entries(MARKET)[1]
    assert isinstance(erasure, Erasure)
    assert len(erasure.users) == 1


def _to_be_erased(world: World) -> None:
    file = world.raw / "erase" / f"market={MARKET}" / "today.txt"
    file.parent.mkdir(parents=True)
    file.write_text(f"{ERASED}\n")


def test_the_scan_finds_what_is_there(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    kinds = {name.split("/")[3] for name in files_with(ERASED, world.folder) if name.startswith("root/")}
    assert kinds >= {"extract", "samples", "model", "lists"}
    assert pl.read_parquet(next(Path(world.root).rglob("lists.parquet")))["user_id"].is_in([ERASED]).any()
