"""How fast the tiny market's models age: who is asked when, what is computed once, what is passed over."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from elsewhere import elsewhere
from embedded import Place, World, run_night
from longevity_run import logged, run_longevity
from tiny_market import MARKET, NIGHTS, folder_of

from hm_pipeline.errors import EmptyWindowError
from hm_pipeline.studies.ageing import Ageing
from tasks.settings import settings
from tasks.study import find_answer, read_told

LAST = NIGHTS[3]  # asks the arrivals of three days, of which each has a whole window before it
DAYS = tuple(LAST - timedelta(days=back) for back in (3, 2, 1))
_DECLARED = """
kind = "longevity"
question = "How fast does a tiny model age?"
models = ["popularity", "itemknn"]
horizon = 3
retraining = [1, 2, 3, 7]
"""


def asked(world: World, fixed: dict[str, Any] | None = None) -> tuple[Ageing, Counter[str]]:
    """The answer, and how often something was computed, by its stage."""
    file = world.folder / "config" / "studies" / "longevity.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(_DECLARED)
    return elsewhere(world, run_longevity, LAST, fixed or {})


@dataclass(frozen=True)
class Answered:
    """Worlds to go back to, `bare` and `answered`; what the study told, and what it computed."""

    place: Place
    told: Ageing
    computed: Counter[str]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    place = Place(tmp_path_factory.mktemp("ageing"))
    place.world.settle()
    place.keep("bare")
    told, computed = asked(place.world)
    place.keep("answered")
    return Answered(place, told, computed)


@pytest.fixture
def bare(answered: Answered) -> World:
    return answered.place.back_to("bare")


def test_each_model_answers_its_own_day_and_all_later_ones(answered: Answered) -> None:
    told, computed = answered.told, answered.computed
    assert told.days == DAYS
    assert [aged.model for aged in told.models] == ["popularity", "itemknn"]
    for aged in told.models:
        assert [(at.age, at.pooled.nights) for at in aged.ages] == [(1, 3), (2, 2), (3, 1)]
        assert [price.every for price in aged.prices if price.hr is None] == [7]
    assert (computed["model"], computed["evaluation"]) == (2 * 3, 2 * 6)
    first, second = (aged.ages for aged in told.models)
    assert [at.pooled.users for at in first] == [at.pooled.users for at in second]


def test_a_second_run_computes_nothing(answered: Answered) -> None:
    again, computed = asked(answered.place.back_to("answered"))
    assert not computed
    assert again == answered.told


def test_what_is_interrupted_goes_on_with_what_is_missing(bare: World) -> None:
    asked(bare, {"study.horizon": 2})
    told, computed = asked(bare)
    assert told.days == DAYS
    assert (computed["model"], computed["evaluation"]) == (2, 2 * 3), (
        "one day more: its fit, asked three times"
    )


def test_what_the_night_fitted_is_not_fitted_again(bare: World) -> None:
    elsewhere(bare, run_night, MARKET, LAST)
    _, computed = asked(bare)
    assert computed["model"] == 2 * 2, "the models of the last day are the night's candidates"
    assert computed["samples"] == 2


def test_a_day_on_which_the_shop_was_closed_is_passed_over(bare: World) -> None:
    closed = DAYS[1]
    shutil.rmtree(folder_of(bare.raw, closed))
    told, computed = asked(bare, {"market.contract.closed_days": [f"{closed:%m-%d}"]})
    assert told.days == (DAYS[0], DAYS[2])
    assert told.notes == (f"{closed}: nobody arrived",)
    assert [(at.age, at.pooled.nights) for at in told.models[0].ages] == [(1, 2), (3, 1)]
    assert computed["model"] == 2 * 2
    two = told.models[1].prices[1]
    three = told.models[1].ages[1].change
    assert two.change is not None
    assert three is not None
    assert two.change.mean == pytest.approx(three.mean / 4), "ages 1 and 2; age 2 is half of 1 and half of 3"


def test_a_newest_day_that_has_not_come_is_passed_over_with_its_reason(bare: World) -> None:
    shutil.rmtree(folder_of(bare.raw, DAYS[2]))
    told, _ = asked(bare)
    assert told.days == DAYS[:2]
    (reason,) = told.notes
    assert f"date={DAYS[2]}/ is not there yet" in reason


def test_with_one_day_of_arrivals_nothing_ages(bare: World) -> None:
    for day in DAYS[1:]:
        shutil.rmtree(folder_of(bare.raw, day))
    with pytest.raises(EmptyWindowError, match="1 days with arrivals, nothing ages"):
        asked(bare)


def test_mlflow_holds_a_parent_and_a_run_a_model_once(answered: Answered) -> None:
    told, world = answered.told, answered.place.back_to("answered")
    asked(world)
    parent, *children = elsewhere(world, logged)
    assert parent.info.run_name == f"longevity {LAST}"
    assert "itemknn" in parent.data.tags["mlflow.note.content"]
    assert {run.info.run_name for run in children} == {"popularity", "itemknn"}
    for run in children:
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        aged = next(aged for aged in told.models if aged.model == run.info.run_name)
        assert run.data.metrics["hr_at_age_3"] == pytest.approx(aged.ages[2].pooled.hr)
        assert {"change_at_age_2", "hr_every_2_days", "change_every_2_days_se"} <= set(run.data.metrics)
        assert "change_at_age_1" not in run.data.metrics


def test_it_is_found_again_by_its_name(answered: Answered) -> None:
    told, world = answered.told, answered.place.back_to("answered")
    with world.entered():
        stored = find_answer("longevity", MARKET, None)
        assert read_told(stored) == told
        assert (stored.folder() / "answer.png").stat().st_size > 10_000
        assert settings().storage.keys(f"{MARKET}/studies/longevity")[0].key.endswith(f"{LAST}.json")
    said = hm(world, "study", "show", "longevity", "--market", MARKET)
    assert "How fast does a tiny model age?" in said
    assert f"Market `tiny`, run date {LAST}" in said


def hm(world: World, *words: str) -> str:
    command = [sys.executable, "-m", "flows.cli", *words]
    environment = os.environ | world.process_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_shipped_declaration_names_models_of_the_market_s_own_profile() -> None:
    from hm_pipeline.config import load
    from hm_pipeline.studies.longevity import LongevityStudy
    from hm_pipeline.studies.study import load as load_study
    from hm_pipeline.studies.variants import configured

    deploy = Path(__file__).parents[2] / "deploy"
    shipped = load_study(deploy, "longevity")
    assert isinstance(shipped, LongevityStudy)
    for profile in ("small", "thesis"):
        assert tuple(configured(shipped, load(deploy, "demo", profile)).models) == shipped.models
    assert shipped.days(date(2017, 9, 14))[-1] == date(2017, 9, 13)
