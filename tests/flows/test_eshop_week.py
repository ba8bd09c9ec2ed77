"""A week of a real fashion shop, in order and in reverse (UCI's raw file, imported as a market)."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from embedded import World, run_night

from hm_pipeline.config import load
from hm_pipeline.data.importers.uci_eshop import import_uci_eshop
from hm_pipeline.registry.ledger import Decision
from tasks import ledger, tracking
from tasks.settings import settings

DEPLOY = Path(__file__).parents[2] / "deploy"
WEEK = [date(2008, 5, 5) + timedelta(days=d) for d in range(7)]
_QUICK = "".join(f"\n[models.{kind}]\noff = true\n" for kind in ("lstm", "aals"))

pytestmark = pytest.mark.slow


def a_world(folder: Path, raw: Path) -> World:
    """The market as it ships, without the two models that take long, over the same raw files."""
    world = World(folder)
    shutil.copytree(DEPLOY, folder / "config")
    market = folder / "config" / "markets" / "eshop.toml"
    market.write_text(market.read_text() + _QUICK)
    (folder / "raw").symlink_to(raw)
    return world


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, shared_data: Callable[[str], Path]) -> Path:
    source = shared_data("eshop_clothing_2008") / "e-shop-clothing-2008.csv.zip"
    root = tmp_path_factory.mktemp("raw")
    import_uci_eshop(source, root, "eshop")
    return root


@pytest.fixture(scope="module")
def forward(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> Iterator[World]:
    """The week in order."""
    world = a_world(tmp_path_factory.mktemp("forward"), raw)
    with world.entered():
        for day in WEEK:
            run_night("eshop", day)
        yield world


def decisions() -> list[Decision]:
    return [e for e in ledger.entries("eshop") if isinstance(e, Decision)]


def aliases() -> dict[str, str]:
    return dict(tracking.client().get_registered_model("hm-eshop").aliases)


def test_each_verdict_follows_from_its_numbers(forward: World):
    entries, margin = decisions(), load(settings().config, "eshop").gate.margin
    assert [e.day for e in entries] == WEEK
    assert entries[0].verdict.step == "first"
    office = entries[0].champion
    for night in entries[1:]:
        verdict, own = night.verdict, next(t for t in night.verdict.trials if t.step == "own kind")
        assert own.passed == (own.mean >= -margin)
        assert verdict.incumbent == office.kind
        assert verdict.promote == (night.champion is not None)
        for rival in (t for t in verdict.trials if t.step == "other kind"):
            assert rival.passed == (rival.mean > 0 and rival.mean >= rival.needed)
        if verdict.step == "own kind":
            assert own.passed
            assert night.champion.kind == office.kind
        if verdict.step == "other kind":
            assert night.champion.kind == verdict.challenger != office.kind
        office = night.champion or office
    assert ledger.current("eshop").champion == office


def test_what_the_gate_saw_is_what_the_table_says(forward: World):
    """Each night's differences between kinds, from MLflow's figures, are those the ledger keeps."""
    mlflow, compared = tracking.client(), 0
    for night in decisions()[1:]:
        runs = mlflow.search_runs(
            [tracking.experiment(mlflow, "eshop")],
            f"tags.day = '{night.day}' and tags.`hm.level` = 'model'",
        )
        hr = {run.data.tags["kind"]: run.data.metrics["hr_at_14"] for run in runs}
        assert set(hr) == {"popularity", "repeat", "itemknn", "als"}
        meetings = {kind: meeting.difference for kind, meeting in night.verdict.meetings.items()}
        for a, b in itertools.combinations(sorted(meetings), 2):  # the opponent cancels
            assert meetings[a].mean - meetings[b].mean == pytest.approx(hr[a] - hr[b], abs=1e-6)
            compared += 1
    assert compared >= len(WEEK) - 1


def test_in_reverse_nothing_moves_after_the_first_and_the_ledger_says_why(
    tmp_path: Path, raw: Path, forward: World
):
    """The stages are those of the week in order; ledger, pointer, aliases begin anew."""
    world = a_world(tmp_path / "reverse", raw)
    shutil.copytree(
        forward.root, world.root, ignore=shutil.ignore_patterns("ledger", "latest.json", "report")
    )
    with world.entered():
        run_night("eshop", WEEK[-1])
        pointer, named = world.latest("eshop"), aliases()
        assert pointer["day"] == str(WEEK[-1])
        for day in reversed(WEEK[:-1]):
            run_night("eshop", day)
            assert (world.latest("eshop"), aliases()) == (pointer, named)
        late = [e for e in decisions() if e.day != WEEK[-1]]
        assert [e.day for e in late] == WEEK[-2::-1]
        assert all(e.verdict.step == "older day" and not e.verdict.promote for e in late)
        assert all(str(WEEK[-1]) in e.verdict.reason for e in late)
        assert ledger.current("eshop").champion.day == WEEK[-1]
    settings.cache_clear()
