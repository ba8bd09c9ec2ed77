"""A rollback when things are broken: storage is all that it needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elsewhere import elsewhere
from embedded import World
from left import Unkilled, seen
from tiny_market import MARKET, NIGHTS

from flows import office
from flows.shortcut import already
from hm_pipeline.errors import RegistryError, StorageError

TONIGHT = NIGHTS[1]


@dataclass(frozen=True)
class WithoutMlflow(World):
    """Its tracking server is away, and is asked once."""

    def environment(self) -> dict[str, str]:
        """Nothing listens at port 9."""
        away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        return super().environment() | away


def test_a_rollback_needs_no_mlflow_and_the_aliases_follow_when_a_night_is_looked_at(
    unkilled: Unkilled,
) -> None:
    world = unkilled.place.back_to("tonight")
    elsewhere(WithoutMlflow(world.folder), office.roll_back, MARKET, "too many hats")
    left = seen(world)
    assert left.champion == unkilled.eve.champion
    shown = world.latest(MARKET)
    assert shown is not None
    assert (shown["day"], shown["ledger"]) == (str(TONIGHT), 3)
    assert left.published != unkilled.tonight.published
    assert left.aliases == unkilled.tonight.aliases, "nobody could tell MLflow"
    outcome = elsewhere(world, already, MARKET, TONIGHT, False)  # what `hm run` does first
    assert outcome is not None
    assert outcome.reused
    assert seen(world).aliases["champion"] == unkilled.eve.aliases["champion"]


def broken(error: Exception) -> Any:
    def fails(*_: object) -> None:
        raise error

    return fails


def test_aliases_that_do_not_follow_fail_no_rollback_and_how_to_set_them_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(office.register, "align_aliases", broken(RegistryError("no MLflow [/there]")))
    with World(tmp_path).entered():
        office._align(MARKET, TONIGHT)
    said = " ".join(capsys.readouterr().out.split())
    assert "the rollback stands" in said
    assert "(no MLflow [/there])" in said
    assert f"`hm run --market {MARKET} --day {TONIGHT}`" in said


def test_a_pointer_that_does_not_follow_is_no_reason_to_roll_back_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "show", broken(StorageError("no bucket")))
    with World(tmp_path).entered(), pytest.raises(RegistryError) as told:
        office._show(MARKET, TONIGHT)
    assert "the rollback is in the ledger" in str(told.value)
    assert f"hm run --market {MARKET} --day {TONIGHT}" in str(told.value)
    assert "hm release" not in str(told.value), "it publishes nothing, and lifts the hold"
