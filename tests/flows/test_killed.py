"""A night that is killed anywhere and run again ends like one that was not, and never shows half of it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from embedded import World
from killing import STAGES, night
from tiny_market import MARKET, NIGHTS
from whole_scan import files_with

from hm_pipeline.registry.ledger import Decision, Entry, Erasure
from tasks import ledger

EVE, TONIGHT = NIGHTS[:2]
ERASED = "u0007"
Published = dict[str, bytes] | None


@dataclass(frozen=True)
class Left:
    """All that a night leaves for others to see."""

    published: Published
    champion: tuple[str, str, int, str] | None  # kind, day, version and where it lies
    entries: tuple[str, ...]  # of the ledger, in order
    aliases: dict[str, int]
    versions: list[tuple[Any, ...]]  # version, tag, value
    runs: list[tuple[Any, ...]]  # name and status of every MLflow run


def seen(world: World) -> Left:
    """What everybody sees now; fails where the pointer leads to something that is not whole."""
    with world.entered():
        now, entries = ledger.current(MARKET), ledger.entries(MARKET)
    ref = now.champion
    return Left(
        published=world.published(MARKET),
        champion=None if ref is None else (ref.kind, str(ref.day), ref.version, ref.uri),
        entries=tuple(_told(entry) for entry in entries),
        aliases=dict(_rows(world, "alias, version FROM registered_model_aliases")),
        versions=sorted(_rows(world, "version, key, value FROM model_version_tags")),
        runs=sorted(_rows(world, "name, status FROM runs")),
    )


def _rows(world: World, what: str) -> list[tuple[Any, ...]]:
    """Straight from MLflow's database: its client would keep the file of an earlier world open."""
    file = world.folder / "work" / "mlflow.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"SELECT {what}").fetchall()


def _told(entry: Entry) -> str:
    what = entry.verdict.reason if isinstance(entry, Decision) else ""
    return f"{entry.entry} {entry.day} {what}"


class Place:
    """One folder in which worlds are laid out one after another: MLflow remembers absolute paths."""

    def __init__(self, folder: Path) -> None:
        self.world, self.folder = World(folder / "world"), folder

    def keep(self, name: str) -> None:
        shutil.copytree(self.world.folder, self.folder / name)

    def back_to(self, name: str) -> World:
        shutil.rmtree(self.world.folder, ignore_errors=True)
        shutil.copytree(self.folder / name, self.world.folder)
        return self.world


@dataclass(frozen=True)
class Unkilled:
    """Two nights that nobody killed, and where others start."""

    place: Place
    eve: Left
    tonight: Left


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unkilled]:
    place = Place(tmp_path_factory.mktemp("killed"))
    place.world.settle()
    place.keep("bare")
    assert not night(place.world, EVE)
    eve = seen(place.world)
    place.keep("eve")
    assert not night(place.world, TONIGHT)
    yield Unkilled(place, eve, seen(place.world))
    shutil.rmtree(place.folder)


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
    ("point", "committed", "aliases", "shown"),
    [
        ("in mid-ledger", False, OLD, "eve"),
        ("between ledger and alias", True, OLD, "eve"),
        ("between two aliases", True, {"champion": 8}, "eve"),
        ("between alias and pointer", True, NEW, "eve"),
        ("in mid-pointer", True, NEW, "eve"),
        ("after the pointer", True, NEW, "tonight"),
    ],
)
def test_killed_around_the_commit(
    unkilled: Unkilled, registered: str, point: str, committed: bool, aliases: dict[str, int], shown: str
) -> None:
    world = unkilled.place.back_to(registered)
    left = killed(unkilled, world, point)
    assert (len(left.entries) == 2) is committed
    assert left.aliases == aliases
    assert left.published == {"eve": unkilled.eve, "tonight": unkilled.tonight}[shown].published
    finished(unkilled, world)


def test_the_first_night_killed_again_and_again_shows_nothing_until_it_is_whole(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("bare")
    for point in (
        "while MLflow's tables are made",
        "in the timeline",
        "after the first file of lists 1",
        "between ledger and alias",
        "in mid-pointer",
    ):
        assert night(world, EVE, point), point
        assert world.published(MARKET) is None
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
