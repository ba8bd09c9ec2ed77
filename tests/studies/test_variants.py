"""From a declaration to the configurations that are fitted."""

from itertools import product
from typing import Any

import pytest
from by_hand import ORDER, SESSIONS, TRAITS, WIDTH, config, setting, study
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.errors import ConfigError
from hm_pipeline.models.als_config import AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.sequencer_config import LstmConfig
from hm_pipeline.studies.identifiable import unidentifiable
from hm_pipeline.studies.setting import has_chance, reference_of, settings_of
from hm_pipeline.studies.study import Study
from hm_pipeline.studies.variants import Variant, variants
from hm_pipeline.training.config import SampledSoftmax

RATE: dict[str, Any] = {
    "path": "models.*.training.max_lr",
    "values": [0.001, 0.01],
    "reference": 0.01,
    "labels": ["slow", "fast"],
}


def made(profile: str = "study", **declared: Any) -> tuple[Variant, ...]:
    return variants(study(**declared), config(profile=profile))


def net(variant: Variant) -> LstmConfig:
    found = variant.config.models["lstm"]
    assert isinstance(found, LstmConfig)
    return found


def test_every_model_meets_every_value_once_a_seed() -> None:
    found = made(models=["lstm", "itemknn"], seeds=[4, 7])
    assert [(v.setting.model, v.config.samples.order, v.seed) for v in found] == list(
        product(["lstm", "itemknn"], ["correct", "day", "random"], [4, 7])
    )


def test_two_axes_meet_in_every_pair() -> None:
    found = made(axes=[WIDTH, RATE], seeds=[1])
    pairs = [(net(v).item_embedding, net(v).training.max_lr) for v in found]
    assert pairs == [(8, 0.001), (8, 0.01), (16, 0.001), (16, 0.01)]


def test_a_variant_has_its_one_model() -> None:
    assert [[*v.config.models] for v in made(models=["als", "aals"], seeds=[1])][::3] == [["als"], ["aals"]]


def test_the_seed_is_the_nets_and_the_factors_own() -> None:
    nets, factors = made(seeds=[5, 6]), made(models=["als"], seeds=[5, 6])
    assert [net(v).training.seed for v in nets] == [5, 6] * 3
    assert [m.seed for v in factors if isinstance(m := v.config.models["als"], AlsConfig)] == [5, 6] * 3


def test_a_net_inside_a_blend_has_it_too() -> None:
    (blend, *_) = made("best", models=["blend"], seeds=[9])
    found = blend.config.models["blend"]
    assert isinstance(found, BlendConfig)
    assert found.net.training.seed == 9


def test_the_samples_follow_the_markets_events() -> None:
    events = ["view", "purchase"]
    found = made(axes=[RATE], seeds=[1], fixed={"market.interaction_events": events})
    assert {v.config.samples.interaction_events for v in found} == {tuple(events)}
    with pytest.raises(ConfigError, match="follows market"):
        made(axes=[RATE], seeds=[1], fixed={"samples.interaction_events": events})


def test_a_shuffling_follows_the_seed_and_what_is_not_shuffled_has_none() -> None:
    found = made(models=["itemknn"], seeds=[5, 6], seeded=["samples.order_seed"])
    assert [v.config.samples.order_seed for v in found] == [1, 1, 5, 6, 5, 6]
    assert found[0].config == found[1].config, "one fit, whatever the seed"


def test_shufflings_that_no_seed_changes_are_refused_and_what_to_write_is_said() -> None:
    with pytest.raises(ConfigError, match=r'write seeded = \["samples.order_seed"\]'):
        made(seeds=[5, 6], seeded=[])
    assert made(axes=[RATE], seeded=[])
    assert made(axes=[RATE], seeded=[], fixed={"samples.order": "day"}), "all see the same one"


def test_fixed_values_are_the_same_for_all_and_what_nobody_names_is_the_profiles() -> None:
    found = made(axes=[RATE], seeds=[1], fixed={"market.window_days": 9, "models.*.item_embedding": 4})
    assert {(v.config.market.window_days, net(v).item_embedding) for v in found} == {(9, 4)}
    plain = config().models["lstm"]
    assert isinstance(plain, LstmConfig)
    assert {net(v).hidden for v in found} == {plain.hidden}


def test_a_star_is_each_of_the_models_and_a_name_is_one() -> None:
    found = made(models=["lstm", "rnn"], axes=[WIDTH], seeds=[1], fixed={"models.rnn.hidden": 4})
    hidden = {(v.setting.model, v.config.models[v.setting.model].hidden) for v in found}  # type: ignore[union-attr]
    assert hidden == {("lstm", 128), ("rnn", 4)}


def test_a_value_may_be_a_table_and_what_it_leaves_out_is_the_default() -> None:
    loss = {"kind": "sampled", "negatives": 64}
    axis = {
        "path": "models.*.training.loss",
        "values": [{"kind": "full"}, loss],
        "reference": {"kind": "full"},
    }
    found = made(axes=[axis], seeds=[3])
    assert net(found[1]).training.loss == SampledSoftmax(negatives=64)
    assert [v.setting.label(study(axes=[axis])) for v in found] == ["full", "sampled negatives 64"]


def test_a_table_with_a_seed_in_it_gets_the_variants_seed() -> None:
    tables = [{"max_lr": 0.01, "max_epochs": 2}, {"max_lr": 0.001, "max_epochs": 4}]
    axis = {"path": "models.*.training", "values": tables, "reference": tables[0]}
    found = made(axes=[axis], seeds=[7])
    assert [(net(v).training.max_epochs, net(v).training.seed) for v in found] == [(2, 7), (4, 7)]


def test_no_clock_cuts_a_fit_short() -> None:
    timed = config("SE")
    assert timed.publish.max_train_minutes is not None
    (variant, *_) = variants(study(), config("SE", "study"))
    assert (variant.config.publish.publish_by, variant.config.publish.max_train_minutes) == (None, None)


@given(st.lists(st.sampled_from(["lstm", "gru", "rnn"]), min_size=1, unique=True), st.integers(1, 3))
def test_each_setting_has_a_label_of_its_own_and_a_reference_among_them(models: list[str], n: int) -> None:
    asked = study(models=models, axes=[WIDTH, RATE], seeds=[*range(n)])
    settings = settings_of(asked)
    assert len({s.label(asked) for s in settings}) == len(settings) == 4 * len(models)
    for one in settings:
        assert reference_of(asked, one) in settings
        assert reference_of(asked, reference_of(asked, one)) == reference_of(asked, one)


def test_labels_leave_out_what_all_share() -> None:
    one, two = study(), study(models=["lstm", "gru"], axes=[ORDER, RATE])
    assert setting(one, "day").label(one) == "day"
    assert setting(two, "day", "slow", model="gru").label(two) == "gru · day · slow"


def test_each_model_is_compared_with_itself_or_all_with_one() -> None:
    each = study(models=["als", "aals"])
    assert reference_of(each, setting(each, "day", model="aals")) == setting(each, "correct", model="aals")
    all_with = study(models=["als", "aals"], reference_model="als")
    assert reference_of(all_with, setting(all_with, "day", model="aals")) == setting(
        all_with, "correct", model="als"
    )


# ---- what a log must show ----


def lacking(needs: list[dict[str, Any]], **traits: Any) -> dict[str, str]:
    asked: Study = study(needs=needs)
    found = unidentifiable(asked, TRAITS.model_copy(update=traits))
    return {one.label(asked): reason for one, reason in found.items()}


def test_a_log_that_can_answer_lacks_nothing() -> None:
    assert lacking([{"kind": "returning_users"}, {"kind": "order_inside_days"}]) == {}


def test_a_need_of_one_value_leaves_the_others_alone() -> None:
    need = {"kind": "returning_users", "value": "day"}
    assert lacking([need], returning=0.031) == {
        "day": "3.1% of the users are seen on a second day, at least 5% are needed"
    }


def test_a_need_without_a_value_is_of_all() -> None:
    asked = study(needs=[{"kind": "returning_users"}])
    assert set(unidentifiable(asked, SESSIONS)) == set(settings_of(asked))


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        (
            {"same_day": 0.02},
            "2% of the interactions follow another one of their day, at least 5% are needed",
        ),
        ({"tied": 0.9}, "90% of a day's neighbours have one stamp, at most 50% may: their order is unknown"),
    ],
)
def test_order_inside_days_needs_several_interactions_and_stamps(traits: dict[str, float], said: str) -> None:
    assert lacking([{"kind": "order_inside_days", "value": "random"}], **traits) == {"random": said}


def test_long_histories_are_counted_by_users() -> None:
    assert lacking([{"kind": "longer_histories", "than": 50, "value": "day"}]) == {}
    said = lacking([{"kind": "longer_histories", "than": 60, "value": "day"}])
    assert said == {
        "day": "0% of the histories are longer than 60, at least 1% are needed (the longest has 60)"
    }


def test_a_share_is_told_as_small_as_it_is() -> None:
    few = {"users": 100_000, "of_length": {5: 99_999, 21: 1}, "longest": 21}
    said = lacking([{"kind": "longer_histories", "than": 20, "value": "day"}], **few)
    assert said == {
        "day": "0.001% of the histories are longer than 20, at least 1% are needed (the longest has 21)"
    }


def test_a_need_that_names_its_axis_leaves_the_same_value_of_the_other_alone() -> None:
    past = {"path": "models.*.training.max_history", "values": [8, 20], "reference": 20}
    need = {"kind": "returning_users", "value": 8, "path": past["path"]}
    asked = study(axes=[WIDTH, past], needs=[need])
    assert [one.label(asked) for one in unidentifiable(asked, SESSIONS)] == ["8 · 8", "16 · 8"]


def test_each_log_is_asked_for_itself() -> None:
    windows = {"path": "market.window_days", "values": [9, 30], "reference": 30}
    asked = study(axes=[windows, WIDTH], needs=[{"kind": "returning_users"}])
    found = unidentifiable(asked, SESSIONS, {"9": SESSIONS, "30": TRAITS})
    assert [one.label(asked) for one in found] == ["9 · 8", "9 · 16"]


@pytest.mark.parametrize(("model", "draws"), [("lstm", True), ("als", True), ("aals", True), ("blend", True),
                                              ("popularity", False), ("repeat", False), ("markov", False),
                                              ("itemknn", False), ("of older code", True)])  # fmt: skip
def test_who_has_a_seed_has_a_chance(model: str, draws: bool) -> None:
    asked = study(models=[model])
    assert has_chance(asked, setting(asked, "correct")) == draws
    assert has_chance(asked, setting(asked, "day")), "its shuffling"


def test_the_first_thing_that_lacks_is_told() -> None:
    needs = [{"kind": "longer_histories", "than": 60}, {"kind": "returning_users"}]
    assert "longer than 60" in lacking(needs, returning=0.0)["day"]
