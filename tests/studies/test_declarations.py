"""A study's file: what it may say, and what it is told where it says something else."""

from pathlib import Path
from typing import Any

import pytest
from by_hand import DEPLOY, ORDER, WIDTH, config
from pydantic import ValidationError

from hm_pipeline.config import load as load_config
from hm_pipeline.errors import ConfigError
from hm_pipeline.evaluation.evaluate import METRICS
from hm_pipeline.studies.longevity import LongevityStudy
from hm_pipeline.studies.setting import settings_of
from hm_pipeline.studies.study import Study, load, names
from hm_pipeline.studies.variants import configured, variants

SHIPPED = names(DEPLOY)
OF_VARIANTS = [name for name in SHIPPED if isinstance(load(DEPLOY, name), Study)]


def shipped(name: str) -> Study:
    study = load(DEPLOY, name)
    assert isinstance(study, Study)
    return study


# ---- the files of deploy/studies ----


def test_there_are_the_questions_of_the_thesis() -> None:
    wanted = {"models", "user_embedding", "item_embedding", "sequence_order", "max_history"}
    assert wanted <= set(OF_VARIANTS)


@pytest.mark.parametrize("name", OF_VARIANTS)
def test_a_shipped_study_has_a_variant_a_setting_and_seed_in_the_profile_of_studies(name: str) -> None:
    study = shipped(name)
    made = variants(study, config(profile="study"))
    settings = settings_of(study)
    assert len(made) == len(settings) * len(study.seeds)
    assert len({(v.config.fingerprint(), v.setting.model) for v in made}) >= len(settings)
    assert len({setting.label(study) for setting in settings}) == len(settings)


@pytest.mark.parametrize("name", OF_VARIANTS)
def test_a_shipped_study_has_the_thesiss_sizes_where_that_profile_has_its_models(name: str) -> None:
    study, whole = shipped(name), load_config(DEPLOY, "demo", "thesis")
    if set(study.models) <= set(whole.models):
        assert variants(study, whole)
    else:
        with pytest.raises(ConfigError, match="profile thesis has no markov"):
            variants(study, whole)


@pytest.mark.parametrize("name", [name for name in OF_VARIANTS if shipped(name).thesis])
def test_what_the_thesis_found_stands_under_labels_and_metrics_of_the_study(name: str) -> None:
    study = shipped(name)
    assert study.thesis is not None
    labels = {setting.whole_label(study) for setting in settings_of(study)}
    assert set(study.thesis.figures) <= set(study.metrics)
    assert {label for figures in study.thesis.figures.values() for label in figures} <= labels


def test_studies_of_another_kind_are_configured_from_the_same_profile() -> None:
    others = [study for name in SHIPPED if isinstance(study := load(DEPLOY, name), LongevityStudy)]
    for study in others:
        assert set(configured(study, config()).models) == set(study.models)


# ---- files with a mistake ----

RIGHT = """
question = "Is it the order?"
models = ["lstm"]

[[axes]]
path = "samples.order"
values = ["correct", "day"]
reference = "correct"
"""

THESIS = """
[thesis]
source = "table 4.4"
figures.hr = { "lstm · day" = 49.37 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    return tmp_path


def written(folder: Path, text: str) -> Path:
    (folder / "studies" / "mine.toml").write_text(text)
    return folder


def refused(folder: Path, text: str, said: str) -> None:
    """Loading `text` is an error that names the file and says so."""
    with pytest.raises(ConfigError, match=said) as error:
        load(written(folder, text), "mine")
    assert "mine.toml" in str(error.value)


def test_five_lines_are_a_study(folder: Path) -> None:
    study = load(written(folder, RIGHT), "mine")
    assert isinstance(study, Study)
    assert (study.name, study.seeds, study.protocol) == ("mine", (1, 2, 3), "leave_last_out")


def test_a_fixed_value_that_a_value_of_an_axis_would_win_over_is_refused(folder: Path) -> None:
    axis = '[[axes]]\npath = "models.*.hidden"\nvalues = [8, 16]\nreference = 8\n'
    text = f'question = "?"\nmodels = ["lstm"]\nfixed = {{ "models.lstm.hidden" = 4 }}\n{axis}'
    refused(folder, text, "models.lstm.hidden stands twice")


def test_a_name_without_a_file_says_which_there_are(folder: Path) -> None:
    written(folder, RIGHT)
    with pytest.raises(ConfigError, match="no study yours; there are mine"):
        load(folder, "yours")


def test_what_is_no_toml_is_named(folder: Path) -> None:
    refused(folder, "question = ", "is not TOML")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (RIGHT.replace("models", "modles"), "toml: modles: a study has no such key; there are .*question, models, axes"),
        (RIGHT.replace("[[axes]]", "[[axis]]"), "toml: axis: a study has no such key"),
        ('kind = "longevity"\nquestion = "?"\nmodels = ["als"]\nseeds = [1]', "toml: a longevity study has no seeds"),
        (RIGHT.replace("reference", "referenz"), "toml: axes.0.referenz: axes.0 has no such key; there are path, values, reference, labels"),
        (RIGHT.replace('reference = "correct"', 'reference = "right"'), "'right' is none of the values"),
        (RIGHT.replace('"day"]', '"correct"]'), "a value of samples.order stands twice"),
        (RIGHT.replace(', "day"]', "]"), "axes.0.values"),
        (RIGHT + 'labels = ["a"]', "1 labels for 2 values of samples.order"),
        ('metrics = ["hr", "hr"]' + RIGHT, "metrics: hr stands twice"),
        ("seeds = [1, 1]" + RIGHT, "seeds: 1 stands twice"),
        ("seeds = [-1]" + RIGHT, "seeds.0"),
        ("seeds = []" + RIGHT, "seeds"),
        ('protocol = "refit"' + RIGHT, "protocol"),
        ('reference_model = "gru"' + RIGHT, "reference_model 'gru' is none of the models"),
        ('fixed = { "samples.order" = "day" }' + RIGHT, "axes, fixed: samples.order stands twice"),
        (RIGHT + RIGHT[RIGHT.index("[[axes]]") :], "axes, fixed: samples.order stands twice"),
        ('kind = "variant"' + RIGHT, "kind: 'variant' is none of 'variants', 'longevity'"),
        ('fixed = { "samples" = {} }' + RIGHT, "samples.order is a part of samples"),
        (RIGHT + THESIS.replace("lstm · day", "day"), "thesis.figures: day: neither .*lstm · correct, lstm · day"),
        (RIGHT + THESIS.replace("hr =", "hitrate ="), "thesis.figures: hitrate"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_key(folder: Path, wrong: str, said: str) -> None:
    refused(folder, wrong, said)


@pytest.mark.parametrize("metric", ["hitrate", "hr@14", "hr_colour_category", "novelty_sale", "hrr"])
def test_an_unknown_metric_says_which_there_are(folder: Path, metric: str) -> None:
    refused(folder, f'metrics = ["{metric}"]' + RIGHT, f"no metric {metric}; there are {', '.join(METRICS)}")


@pytest.mark.parametrize("metric", ["hr", "novelty_sales", "hr_category", "coverage_colour"])
def test_a_metric_may_be_of_items_or_of_their_attributes(folder: Path, metric: str) -> None:
    assert load(written(folder, f'metrics = ["{metric}"]' + RIGHT), "mine")


def test_a_need_of_a_value_that_is_not_asked_is_a_typo(folder: Path) -> None:
    needs = '\n[[needs]]\nkind = "returning_users"\nvalue = "dya"\n'
    refused(folder, RIGHT + needs, "needs: 'dya' is no value of an axis")


TWO = """
question = "Which?"
models = ["lstm"]
axes = [
    { path = "models.*.item_embedding", values = [20, 64], reference = 64 },
    { path = "models.*.training.max_history", values = [10, 20], reference = 10 },
]
"""
LONGER = '\n[[needs]]\nkind = "longer_histories"\nthan = 10\n'


def test_a_need_of_a_value_that_two_axes_have_says_of_which(folder: Path) -> None:
    refused(
        folder,
        TWO + LONGER + "value = 20",
        r"needs: 20 is a value of models.*\.item_embedding and of .*: say which",
    )
    named = TWO + LONGER + 'value = 20\npath = "models.*.training.max_history"'
    assert load(written(folder, named), "mine")


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (
            'value = 64\npath = "models.*.training.max_history"',
            r"64 is no value of models\.\*\.training\.max_history",
        ),
        ('value = 20\npath = "samples.order"', r"path samples\.order is no axis; there is models"),
        ('path = "models.*.item_embedding"', r"path models\.\*\.item_embedding without a value"),
    ],
)
def test_a_path_of_a_need_is_one_of_an_axis_that_has_its_value(folder: Path, need: str, said: str) -> None:
    refused(folder, TWO + LONGER + need, said)


def test_true_is_not_one(folder: Path) -> None:
    text = 'question = "?"\nmodels = ["lstm"]\naxes = [{ path = "models.*.tied", values = [true, false], reference = true }]'
    refused(folder, text + LONGER + "value = 1", "needs: 1 is no value of an axis")


def test_an_unknown_need_says_which_there_are(folder: Path) -> None:
    refused(folder, RIGHT + '\n[[needs]]\nkind = "money"\n', "returning_users.*order_inside_days")


def test_models_without_an_axis_need_one_that_all_are_compared_with() -> None:
    with pytest.raises(ValidationError, match="name one of them as reference_model"):
        Study(name="mine", question="?", models=("als", "lstm"))
    with pytest.raises(ValidationError, match="nothing to compare"):
        Study(name="mine", question="?", models=("als",))


# ---- declarations that a configuration does not bear ----


def of(**declared: Any) -> Study:
    return Study.model_validate({"name": "mine", "question": "?", "models": ["lstm"], **declared})


def axis(path: str, *values: Any) -> dict[str, Any]:
    return {"path": path, "values": values, "reference": values[0]}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("samples.ordre", "samples.ordre: nothing is called 'ordre' there; there is .*order"),
        ("sample.order", "sample.order: nothing is called 'sample' there; there is profile, market, samples"),
        ("models.*.widht", "models.lstm.widht: nothing is called 'widht' there; there is .*item_embedding"),
        ("models.gru.hidden", "nothing is called 'gru' there; there is lstm"),
        ("samples.order.x", "nothing is called 'x' there; there is a value, 'correct'"),
    ],
)
def test_an_unknown_path_says_what_there_is(path: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        variants(of(axes=[axis(path, 1, 2)]), config())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "publish.gate_target",
            "are fitted and evaluated the same: nothing there looks at publish.gate_target",
        ),
        ("gate.margin", "nothing there looks at gate.margin"),
        ("publish.refit", "nothing there looks at publish.refit"),
    ],
)
def test_values_that_no_fit_and_no_evaluation_looks_at_are_no_question(path: str, said: str) -> None:
    values = {
        "publish.gate_target": ("first", "last"),
        "gate.margin": (0.1, 0.2),
        "publish.refit": (True, False),
    }
    with pytest.raises(ConfigError, match=said):
        variants(of(axes=[axis(path, *values[path])]), config())


@pytest.mark.parametrize("protocol", ["leave_last_out", "thesis"])
def test_users_who_validate_are_chosen_under_next_day_only(protocol: str) -> None:
    shares = [axis("samples.validation_share", 0.1, 0.3)]
    with pytest.raises(ConfigError, match=r"nothing there looks at samples\.validation_share"):
        variants(of(axes=shares, protocol=protocol), config())
    assert variants(of(axes=shares, protocol="next_day"), config())


def test_the_seed_of_what_is_not_shuffled_is_no_question() -> None:
    with pytest.raises(ConfigError, match=r"nothing there looks at samples\.order_seed"):
        variants(of(axes=[axis("samples.order_seed", 1, 2)]), config())


def test_lists_of_different_length_are_no_comparison() -> None:
    with pytest.raises(ConfigError, match="figures at different k are no comparison"):
        variants(of(axes=[axis("publish.k", 5, 14)]), config())


@pytest.mark.parametrize(
    "declared",
    [
        {"axes": [ORDER], "fixed": {"models.*.training.seed": 7}},
        {"axes": [axis("models.lstm.training.seed", 1, 2)]},
        {
            "axes": [axis("samples.order_seed", 1, 2)],
            "fixed": {"samples.order": "day"},
            "seeded": ["samples.order_seed"],
        },
    ],
)
def test_what_follows_the_seeds_is_set_by_nobody_else(declared: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"seed follows the study's seeds: name those \(--seeds\)"):
        variants(of(**declared), config())


def test_a_fixed_path_is_held_to_the_same() -> None:
    with pytest.raises(
        ConfigError, match=r"study mine: market\.window_day: nothing is called 'window_day' there"
    ):
        variants(of(axes=[ORDER], fixed={"market.window_day": 9}), config())


def test_a_path_that_one_of_the_models_lacks_is_refused() -> None:
    said = (
        r"study mine: models\.itemknn\.item_embedding: nothing is called 'item_embedding' there; there is kind, "
        r"forward.*\. Every model of the study must have models\.\*\.item_embedding"
    )
    with pytest.raises(ConfigError, match=said):
        variants(of(models=["lstm", "itemknn"], axes=[WIDTH]), config())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("models.*.item_embedding", 0, "study mine: .*item_embedding.*greater than 0"),
        ("samples.order", "backwards", "samples.order.*'correct', 'day' or 'random'"),
        ("models.*.training.loss", {"kind": "hinge"}, "training.loss.*hinge"),
        ("publish.k", "many", "publish.k"),
    ],
)
def test_an_illegal_value_is_named_with_its_path(path: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        variants(of(axes=[axis(path, value, "other")]), config())


def test_a_model_that_the_profile_lacks_says_which_it_has() -> None:
    with pytest.raises(ConfigError, match=r"profile best has no lstm; it has popularity, repeat.*blend"):
        variants(of(axes=[WIDTH]), config(profile="best"))
