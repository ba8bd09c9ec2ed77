"""A declared question on the tiny market: answered once, resumed where it was killed, shown again."""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from embedded import Place, World, without_orchestrator
from left import Unkilled
from studying import DAY, DECLARED, Studied, ask, ask_and_die, declare, declare_all
from tiny_market import MARKET

from flows.study import study
from hm_pipeline.errors import ConfigError, NotThereError
from hm_pipeline.registry.ledger import Decision
from hm_pipeline.registry.night import Verdict
from hm_pipeline.studies.answer import Line
from hm_pipeline.studies.words import sentence
from tasks import ledger
from tasks.study import find_answer, read_answer

REPO = Path(__file__).parents[2]
LATER = DAY + timedelta(days=9)


@dataclass(frozen=True)
class Asked:
    """Worlds to go back to, `bare` and `asked`, and what two studies found there, one after the other."""

    place: Place
    order: Studied
    width: Studied


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    place = Place(tmp_path_factory.mktemp("studies"))
    place.world.settle()
    declare_all(place.world)
    place.keep("bare")
    order, width = ask(place.world, "order"), ask(place.world, "width")
    place.keep("asked")
    return Asked(place, order, width)


def line(studied: Studied, label: str) -> Line:
    return next(one for one in studied.told.lines if one.label == label)


# ---- the answer ----


def test_a_model_of_neighbours_loses_by_a_shuffled_history_and_popularity_does_not(asked: Asked) -> None:
    told = sentence(asked.order.told)
    assert "worse than correct beyond noise: itemknn · random (-" in told
    assert line(asked.order, "popularity · random").gaps["hr"].mean == 0
    assert line(asked.order, "itemknn · day").gaps["hr"].users_se is not None


def test_every_variant_is_fitted_and_evaluated_once(asked: Asked) -> None:
    computed = asked.order.computed
    shuffled = 2 * 2  # two orders with two seeds each; what is not shuffled has no seed
    assert computed["samples"] == 1 + shuffled
    assert computed["model"] == computed["evaluation"] == 2 * (1 + shuffled)
    assert line(asked.order, "itemknn · correct").figures["hr"].seeds == 1
    assert line(asked.order, "itemknn · random").figures["hr"].seeds == 2


def test_what_the_axis_does_not_touch_is_built_once(asked: Asked) -> None:
    computed = asked.width.computed
    assert (computed["extract"], computed["samples"], computed["traits"]) == (0, 0, 0), (
        "the other study had them"
    )
    assert (computed["model"], computed["evaluation"], computed["study"]) == (4, 4, 1)
    assert line(asked.width, "8").figures["hr"].seeds == 2


def test_a_second_run_computes_nothing_and_tells_the_same(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    before = files(world)
    again = ask(world, "width")
    assert again.computed == Counter()
    assert again.told == asked.width.told
    assert files(world) == before


def files(world: World) -> dict[str, int]:
    """Every result and when it was written; where the answers lie is said anew."""
    found = [file for file in (Path(world.root) / MARKET / str(DAY)).rglob("*") if file.is_file()]
    return {str(file): file.stat().st_mtime_ns for file in found}


def test_another_question_fits_only_what_nobody_asked_before(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    declare(world, "wider", DECLARED["width"].replace("[8, 16]", "[16, 24]"))
    wider = ask(world, "wider")
    assert wider.computed["model"] == 2
    assert line(wider, "16").figures == line(asked.width, "16").figures


def test_more_seeds_fit_only_those(asked: Asked) -> None:
    more = ask(asked.place.back_to("asked"), "width", seeds=[1, 2, 3])
    assert more.computed["model"] == 2
    assert more.told.study.seeds == (1, 2, 3)


def test_a_fixed_value_is_another_question(asked: Asked) -> None:
    narrow = ask(asked.place.back_to("asked"), "width", fixed={"models.*.hidden": 8}, seeds=[1])
    assert narrow.computed["model"] == 2
    assert narrow.told.study.fixed == {"models.*.hidden": 8}


def test_windows_of_other_lengths_are_read_each_and_their_users_are_others(asked: Asked) -> None:
    found = ask(asked.place.back_to("bare"), "window")
    assert (found.computed["extract"], found.computed["samples"], found.computed["model"]) == (2, 2, 2)
    assert "not all were asked the same" in sentence(found.told)
    six, eight = found.told.logs["6"], found.told.logs["8"]
    assert found.told.traits == six
    assert six.interactions < eight.interactions


def test_a_window_that_cannot_answer_is_left_out_and_the_other_is_asked(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    longest = ask(world, "window").told.logs["6"].longest
    needs = f'\n[[needs]]\nkind = "longer_histories"\nthan = {longest}\nat_least = 1e-9\n'
    declare(world, "window", DECLARED["window"] + needs)
    found = ask(world, "window").told
    short, long = found.lines
    assert short.not_identifiable.startswith(f"0% of the histories are longer than {longest}")
    assert (long.not_identifiable, long.figures["hr"].seeds) == ("", 1)


def test_an_approximate_search_says_what_it_finds_of_the_exact_lists(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    declare(
        world,
        "search",
        'question = "?"\nmodels = ["popularity", "aals"]\nreference_model = "aals"\nseeds = [1]\n',
    )
    popularity, aals = ask(world, "search").told.lines
    assert popularity.ann is None
    assert aals.ann is not None
    assert 0 < aals.ann.mean <= 1


def test_the_model_of_the_night_is_the_studys_reference(unkilled: Unkilled) -> None:
    world = unkilled.place.back_to("eve")
    declare_all(world)
    found = ask(world, "neighbours")
    assert (found.computed["extract"], found.computed["samples"], found.computed["model"]) == (0, 0, 1)
    assert found.told.holdout == "first"
    assert [one.figures["hr"].seeds for one in found.told.lines] == [1, 1]


# ---- what the log cannot tell ----


def test_a_question_that_the_log_cannot_answer_trains_nothing(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    needs = '\n[[needs]]\nkind = "longer_histories"\nthan = 500\n'
    declare(world, "width", DECLARED["width"] + needs)
    found = ask(world, "width")
    assert set(found.computed) == {"quarantine", "extract", "traits", "study"}
    assert sentence(found.told).startswith(
        f"**Not identifiable on {MARKET}**: 0% of the histories are longer"
    )
    assert [level for level, *_ in runs(world)] == ["study"]


def test_a_value_that_the_log_cannot_tell_is_left_out_and_the_others_are_asked(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    needs = '\n[[needs]]\nkind = "order_inside_days"\nat_least = 1.0\nvalue = "day"\n'
    declare(world, "order", DECLARED["order"] + needs)
    found = ask(world, "order")
    assert found.computed["samples"] == 1 + 2
    assert line(found, "itemknn · day").not_identifiable.endswith("of their day, at least 100% are needed")
    assert line(found, "itemknn · random").figures == line(asked.order, "itemknn · random").figures


# ---- killed ----


def test_a_study_that_is_killed_again_and_again_fits_only_what_is_missing(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    for point in (
        "before the manifest of samples 1",
        "in mid-epoch",
        "in mid-checkpoint",
        "after the first file of model 1",
    ):
        ask_and_die(world, "width", point)
        assert models(world) == 0
    ask_and_die(world, "width", "before the manifest of model 4")
    assert models(world) == 3
    found = ask(world, "width")
    assert (found.computed["samples"], found.computed["model"], found.computed["evaluation"]) == (0, 1, 4)
    assert measured(found) == measured(asked.width), "as if nothing had happened"


def test_a_study_that_is_killed_after_its_fits_fits_nothing_again(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    ask_and_die(world, "width", "before the manifest of evaluation 4")
    assert models(world) == 4
    ask_and_die(world, "width", "before the answer is remembered")
    with world.entered(), pytest.raises(NotThereError, match="answered: never"):
        find_answer("width", MARKET, None)
    ask_and_die(world, "width", "while a variant is logged")
    found = ask(world, "width")
    assert found.computed == Counter()
    assert measured(found) == measured(asked.width)
    assert sorted(level for level, *_ in runs(world)) == ["study"] + ["variant"] * 4
    assert {status for *_, status in runs(world)} == {"FINISHED"}


def models(world: World) -> int:
    """How many lie there whole."""
    return len([*Path(world.root).glob(f"{MARKET}/{DAY}/model/*/manifest.json")])


def measured(studied: Studied) -> list[tuple[Any, ...]]:
    """All but how long it took."""
    return [(one.label, one.figures, one.gaps) for one in studied.told.lines]


# ---- where people look ----


def runs(world: World) -> list[tuple[str, str, str, str]]:
    """Level, name, parent's name and status of every MLflow run, straight from its database."""
    query = """
        SELECT level.value, run.name, COALESCE(parent.name, ''), run.status FROM runs AS run
        JOIN tags AS level ON level.run_uuid = run.run_uuid AND level.key = 'hm.level'
        LEFT JOIN tags AS up ON up.run_uuid = run.run_uuid AND up.key = 'mlflow.parentRunId'
        LEFT JOIN runs AS parent ON parent.run_uuid = up.value
    """
    with closing(connect(world.folder / "work" / "mlflow.db")) as database:
        return sorted(database.execute(query).fetchall())


def test_mlflow_holds_one_parent_a_study_with_its_variants_below(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    ask(world, "width")
    parent = f"width {DAY}"
    assert [run for run in runs(world) if parent in run[1:3]] == [
        ("study", parent, "", "FINISHED"),
        *(("variant", f"{n} seed {seed}", parent, "FINISHED") for n in (16, 8) for seed in (1, 2)),
    ]
    assert len([run for run in runs(world) if run[2] == f"order {DAY}"]) == 12


def test_a_variant_has_its_setting_its_figures_and_its_curves_in_mlflow(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    query = "SELECT run_uuid FROM runs WHERE name = '8 seed 2'"
    with closing(connect(world.folder / "work" / "mlflow.db")) as database:
        ((run,),) = database.execute(query).fetchall()
        params = dict(database.execute(f"SELECT key, value FROM params WHERE run_uuid = '{run}'"))
        metrics = {key for (key,) in database.execute(f"SELECT key FROM metrics WHERE run_uuid = '{run}'")}
        (note,) = database.execute(
            "SELECT value FROM tags WHERE key = 'mlflow.note.content' AND value LIKE '%8 (%'"
        )
    assert (params["setting"], params["item_embedding"], params["training.seed"]) == ("8", "8", "2")
    assert {"hr_at_5", "hr_at_5_se", "coverage_at_5", "loss", "seconds"} <= metrics
    assert note[0] == sentence(asked.width.told)


def test_an_answer_is_found_again_by_its_name_and_day(asked: Asked) -> None:
    with asked.place.back_to("asked").entered():
        assert read_answer(find_answer("width", MARKET, DAY)) == asked.width.told
        assert read_answer(find_answer("order", MARKET, None)) == asked.order.told
        folder = find_answer("width", MARKET, None).folder()
        with pytest.raises(NotThereError, match=rf"no answer of 2021-06-10; answered: {DAY}"):
            find_answer("width", MARKET, DAY.replace(day=10))
        with pytest.raises(NotThereError, match=r"answered: never\. Run: hm study wid --market tiny"):
            find_answer("wid", MARKET, None)
    assert {file.name for file in folder.iterdir()} >= {
        "answer.json",
        "answer.md",
        "answer.png",
        "items.png",
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fixed": {"models.*.widht": 3}}, "nothing is called 'widht' there; there is .*item_embedding"),
        ({"fixed": {"models.*.item_embedding": 3}}, r"models\.lstm\.item_embedding stands twice"),
        ({"seeds": [1, 1]}, "seeds: 1 stands twice"),
        ({"seeds": [-1]}, "study width: .*seeds"),
        ({"profile": "huge"}, "profiles known: tiny"),
    ],
)
def test_what_is_asked_amiss_is_told_before_anything_is_read(asked: Asked, more: Any, said: str) -> None:
    world = asked.place.back_to("bare")
    with pytest.raises(ConfigError, match=said):
        ask(world, "width", **more)
    assert not Path(world.root).exists()


def test_a_run_date_past_retention_is_refused_and_so_is_a_longevity_study_that_reaches_back_there(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "world")
    world.settle("retention_days = 8")
    declare_all(world)
    declare(
        world,
        "longevity",
        'kind = "longevity"\nquestion = "Old?"\nmodels = ["itemknn"]\nhorizon = 12\nretraining = [1, 2]',
    )
    verdict = Verdict(day=LATER, promote=False, winner=None, step="stays", reason="nobody")
    with world.entered(), without_orchestrator():
        with pytest.raises(ConfigError, match=rf"3 of these days, {DAY - timedelta(days=11)} to .*"):
            study.fn("longevity", MARKET, DAY)
        ledger.append(MARKET, Decision(seq=1, day=LATER, run_digest="", verdict=verdict))
        with pytest.raises(ConfigError, match=f"1 of these days, {DAY} to {DAY}, .*retention_days = 8"):
            study.fn("width", MARKET, DAY)
    assert not [*Path(world.root).glob(f"{MARKET}/{DAY}")], "nothing was begun"


# ---- the command line ----


def hm(world: World, *words: str, fails: bool = False) -> str:
    """What `hm` says, on one line."""
    command = [sys.executable, "-m", "flows.cli", *words]
    environment = world.process_environment() | {"NO_COLOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=REPO)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_hm_study_list_names_every_question(asked: Asked) -> None:
    said = hm(asked.place.back_to("bare"), "study", "list")
    assert "order Is it the order?" in said
    assert "width How wide must an item's vector be?" in said


def test_hm_study_list_tells_a_broken_file_from_the_others(asked: Asked) -> None:
    world = asked.place.back_to("bare")
    declare(world, "broken", DECLARED["order"].replace("metrics", "metric"))
    said = hm(world, "study", "list")
    assert "broken.toml: metric: a study has no such key; there are" in said.replace("/ ", "/")
    assert "width How wide must an item's vector be?" in said


def test_hm_study_show_prints_the_answer_again(asked: Asked) -> None:
    said = hm(asked.place.back_to("asked"), "study", "show", "width", "--market", MARKET)
    assert "How wide must an item's vector be?" in said
    assert f"Market `{MARKET}`, run date {DAY}, profile `tiny`" in said, "bare markdown: this is no terminal"
    assert "2 paired seeds" in said


def test_hm_study_show_of_what_was_never_asked_says_how_to_ask(asked: Asked) -> None:
    said = hm(asked.place.back_to("bare"), "study", "show", "width", "--market", MARKET, fails=True)
    assert "NotThereError: study width of tiny has no answer; answered: never." in said
    assert "Traceback" not in said


def test_hm_study_refuses_seeds_that_are_no_numbers(asked: Asked) -> None:
    words = ("study", "width", "--market", MARKET, "--day", str(DAY), "--seeds", "one,2")
    said = hm(asked.place.back_to("bare"), *words, fails=True)
    assert "write whole numbers, like 1,2,3" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_hm_study_asks_through_the_orchestrator_and_a_typo_says_what_there_is(asked: Asked) -> None:
    world = asked.place.back_to("asked")
    words = ("study", "width", "--market", MARKET, "--day", str(DAY))
    said = hm(world, *words)
    assert "How wide must an item's vector be?" in said
    assert "compare runs:" in said
    wrong = hm(world, *words, "--set", "models.*.widht=3", fails=True)
    assert "ConfigError: study width: models.lstm.widht: nothing is called 'widht' there; there is" in wrong
    assert models(world) == len([*Path(world.root).glob(f"{MARKET}/{DAY}/model/*")])
