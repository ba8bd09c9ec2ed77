"""The answer in a sentence."""

from collections.abc import Mapping
from typing import Any

import pytest
from by_hand import DAY, SESSIONS, TRAITS, WIDTH, answered, by_seed, evaluation, measured, setting, study

from hm_pipeline.data.traits import Traits
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.identifiable import unidentifiable
from hm_pipeline.studies.setting import Setting, settings_of
from hm_pipeline.studies.statistics import Gap, Spread
from hm_pipeline.studies.words import amount, reasons, sentence

SURE = Gap(mean=0.05, low=0.03, high=0.07, users_se=0.001, seeds=3, chance=True)
NOISE = Gap(mean=0.001, low=-0.02, high=0.022, users_se=0.01, seeds=3, chance=True)
NEEDS = [{"kind": "returning_users", "value": "day"}]


def answer(gaps: Mapping[str, Gap], metric: str = "hr", traits: Traits = TRAITS, **declared: Any) -> Answer:
    """As if these differences had been found, by label."""
    asked = study(metrics=[metric], **declared)
    why_not = unidentifiable(asked, traits)
    lines = tuple(_line(one, one.label(asked), metric, gaps, why_not) for one in settings_of(asked))
    return Answer(study=asked, market="demo", day=DAY, profile="study", k=14, holdout="test", users=9, traits=traits,
                  lines=lines)  # fmt: skip


def _line(
    setting: Setting, label: str, metric: str, gaps: Mapping[str, Gap], why_not: Mapping[Setting, str]
) -> Line:
    if setting in why_not:
        return Line(setting=setting, label=label, not_identifiable=why_not[setting])
    own = {metric: gaps[label]} if label in gaps else {}
    return Line(setting=setting, label=label, figures={metric: Spread(mean=0.1)}, gaps=own)


def minus(gap: Gap) -> Gap:
    return gap.model_copy(update={"mean": -gap.mean, "low": -gap.high, "high": -gap.low})  # type: ignore[operator]


def test_better_says_by_how_much_and_in_which_interval() -> None:
    told = sentence(answer({"day": SURE, "random": SURE}))
    assert told == (
        "**hr@14 on demo**: better than correct beyond noise: day (+5.00 points, 95% +2.99 to +7.01), "
        "random (+5.00 points, 95% +2.99 to +7.01)."
    )


def test_worse_is_told_apart_from_better() -> None:
    told = sentence(answer({"day": SURE, "random": minus(SURE)}))
    assert "better than correct beyond noise: day (+5.00 points, 95% +2.99 to +7.01); " in told
    assert "worse than correct beyond noise: random (-5.00 points, 95% -7.01 to -2.99)." in told


def test_noise_says_what_would_have_been_found() -> None:
    told = sentence(answer({"day": NOISE, "random": minus(NOISE)}))
    assert told == (
        "**hr@14 on demo**: no more than noise against correct: day (+0.10 points), random (-0.10 points); "
        "3.83 points would have been found in four of five cases."
    )


@pytest.mark.parametrize(
    ("metric", "better"),
    [("overlap", "random"), ("overlap_colour", "random"), ("hr", "day"), ("novelty", "day")],
)
def test_less_overlap_is_better(metric: str, better: str) -> None:
    told = sentence(answer({"day": SURE, "random": minus(SURE)}, metric))
    assert f"better than correct beyond noise: {better} (" in told


def test_novelty_is_told_in_nats() -> None:
    assert "day (+0.05 nats, 95% +0.03 to +0.07)" in sentence(answer({"day": SURE}, "novelty"))
    assert amount("novelty_sales", 0.123) == "0.12 nats"
    assert amount("novelty", 0.5, "+") == "+0.50 nats"
    assert amount("hr_category", 0.1234, "+") == "+12.34 points"


def test_models_that_are_each_compared_with_themselves_name_the_value_they_share() -> None:
    gaps = {"lstm · random": minus(SURE), "als · random": minus(SURE)}
    told = sentence(answer(gaps, models=["lstm", "als"]))
    assert "worse than correct beyond noise: lstm · random (" in told


def test_models_that_are_all_compared_with_one_name_it() -> None:
    gaps = {"lstm · random": SURE, "als · random": SURE}
    told = sentence(answer(gaps, models=["lstm", "als"], reference_model="als"))
    assert "better than als · correct beyond noise: " in told


def test_a_setting_that_the_log_cannot_tell_is_named_at_the_end() -> None:
    told = sentence(answer({"random": SURE}, traits=SESSIONS, needs=NEEDS))
    assert told.endswith("; not identifiable: day.")


def test_a_question_that_the_log_cannot_answer_says_why() -> None:
    told = sentence(answer({}, traits=SESSIONS, needs=[{"kind": "returning_users"}]))
    assert (
        told
        == "**Not identifiable on demo**: 0% of the users are seen on a second day, at least 5% are needed."
    )


def test_several_reasons_each_have_their_settings() -> None:
    needs = [*NEEDS, {"kind": "longer_histories", "than": 60, "value": "random"}]
    told = answer({}, traits=SESSIONS, needs=needs)
    assert list(reasons(told)) == [
        "day: 0% of the users are seen on a second day, at least 5% are needed",
        "random: 0% of the histories are longer than 60, at least 1% are needed (the longest has 60)",
    ]


def test_what_has_no_reference_has_nothing_to_be_compared_with() -> None:
    told = sentence(answer({}, traits=SESSIONS, needs=[{**NEEDS[0], "value": "correct"}]))
    assert told == "**hr@14 on demo**: there is nothing to compare; not identifiable: correct."


def test_a_metric_that_the_log_does_not_give_is_said_to_be_missing() -> None:
    asked = study(axes=[WIDTH], metrics=["novelty_sales"], seeds=[1])
    told = sentence(answered(asked, by_seed(asked, {"8": [[1, 0]], "16": [[1, 0]]})))
    assert told == "**novelty_sales is not measured on demo**: the log lacks what it is made of."


def test_a_difference_without_any_error_is_neither_better_nor_noise() -> None:
    bare = Gap(mean=0.3)
    told = sentence(answer({"day": bare, "random": bare}, "coverage"))
    assert told == (
        "**coverage@14 on demo**: without a known error against correct: day (+30.00 points), "
        "random (+30.00 points)."
    )


def test_where_only_seeds_have_an_error_it_says_that_users_have_none() -> None:
    seeds_only = SURE.model_copy(update={"users_se": None})
    told = sentence(answer({"day": seeds_only}, "novelty"))
    assert "better than correct over seeds only: day (+0.05 nats, 95% +0.03 to +0.07)" in told
    assert told.endswith("; novelty is not kept a user: what other users would make of it is unknown.")


def test_a_fit_that_a_night_cut_short_is_named() -> None:
    found = answer({"day": SURE})
    lines = tuple(line.model_copy(update={"cut": line.label == "day"}) for line in found.lines)
    told = sentence(found.model_copy(update={"lines": lines}))
    assert told.endswith("; stopped by the clock of the night that had fitted it: day.")


def test_a_single_seed_says_what_it_does_not_know() -> None:
    one = SURE.model_copy(update={"low": None, "high": None, "seeds": 1})
    told = sentence(answer({"day": one, "random": one.model_copy(update={"mean": -0.05})}, seeds=[1]))
    assert "better than correct over users only: day (+5.00 points" in told
    assert "worse than correct over users only: random (-5.00 points" in told
    assert "beyond noise" not in told
    assert told.endswith("; one seed cannot tell what another one would make of it: ask with more.")


def test_where_nothing_is_random_one_seed_is_enough() -> None:
    sure = SURE.model_copy(update={"low": None, "high": None, "seeds": 1, "chance": False})
    told = sentence(answer({"day": sure}, models=["itemknn"], seeds=[1]))
    assert "better than correct beyond noise: day (+5.00 points, 95% +4.80 to +5.20)." in told


def test_other_questions_are_confessed() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2])
    scored = {"8": evaluation([1, 0, 0], question="other"), "16": evaluation([1, 1])}
    found = [measured(setting(asked, label), seed, one) for label, one in scored.items() for seed in (1, 2)]
    assert "not all were asked the same" in sentence(answered(asked, found))
    same = by_seed(asked, {"8": [[1, 0], [0, 0]], "16": [[1, 1], [1, 0]]})
    assert "not all were asked the same" not in sentence(answered(asked, same))
