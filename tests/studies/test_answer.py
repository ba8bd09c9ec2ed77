"""What was measured becomes figures and differences, on users that can be counted."""

import math
from datetime import date
from typing import Any

import pytest
from by_hand import DAY, SESSIONS, TRAITS, WIDTH, answered, by_seed, evaluation, measured, setting, study

from hm_pipeline.studies.answer import Answer, Line

HALF, MORE = [[1.0, 1, 0, 0], [1.0, 0, 0, 0]], [[1.0, 1, 1, 0], [1.0, 1, 1, 0]]  # two seeds of four users


def line(of: Answer, label: str) -> Line:
    return next(one for one in of.lines if one.label == label)


def two(**declared: Any) -> Answer:
    """Two widths, two seeds."""
    asked = study(axes=[WIDTH], seeds=[1, 2], **declared)
    return answered(asked, by_seed(asked, {"8": HALF, "16": MORE}))


def test_an_answer_says_where_and_of_whom() -> None:
    found = two()
    assert (found.market, found.day, found.profile, found.holdout) == ("demo", DAY, "study", "test")
    assert (found.k, found.users) == (14, 4)
    assert [one.label for one in found.lines] == ["8", "16"]


def test_a_figure_is_the_mean_over_seeds() -> None:
    figure = line(two(), "8").figures["hr"]
    assert (figure.mean, figure.seeds) == (0.375, 2)
    assert figure.se == pytest.approx(0.125)


def test_a_difference_is_paired_by_seed() -> None:
    found = line(two(), "8").gaps["hr"]  # seed 1: 2/4 - 3/4, seed 2: 1/4 - 3/4
    assert found.mean == pytest.approx(-0.375)
    assert found.seeds_margin == pytest.approx(12.706205 * 0.125, rel=1e-5)


def test_a_difference_is_paired_by_user_over_the_mean_of_seeds() -> None:
    found = line(two(), "8").gaps["hr"]  # user by user: 0, -1/2, -1, 0
    assert found.users_se == pytest.approx(math.sqrt((2 * 0.375**2 + 0.125**2 + 0.625**2) / 3) / 2)


def test_seeds_that_move_both_alike_cancel() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2])
    rows = {"8": [[0.0, 0, 0, 1], [1.0, 1, 1, 0]], "16": [[0.0, 0, 1, 1], [1.0, 1, 1, 1]]}
    found = line(answered(asked, by_seed(asked, rows)), "8").gaps["hr"]
    assert (found.mean, found.low, found.high) == pytest.approx((-0.25, -0.25, -0.25))


def test_the_reference_is_compared_with_nobody() -> None:
    found = two()
    assert line(found, "16").gaps == {}
    assert found.reference(line(found, "8")) == line(found, "16")


def test_precision_is_a_hit_over_the_places_and_mrr_is_told_by_ndcg() -> None:
    def of(hits: list[float]) -> Any:
        return evaluation(hits, precision=sum(hits) / len(hits) / 14, mrr=sum(hits) / len(hits) / 3)

    asked = study(axes=[WIDTH], seeds=[1, 2], metrics=["hr", "precision", "mrr"])
    found = [measured(setting(asked, label), seed, of(hits)) for label, both in (("8", HALF), ("16", MORE))
             for seed, hits in zip(asked.seeds, both, strict=True)]  # fmt: skip
    gaps = line(answered(asked, found), "8").gaps
    users_se = gaps["hr"].users_se or 0
    assert gaps["precision"].users_se == pytest.approx(users_se / 14)
    assert gaps["mrr"].users_se == pytest.approx(users_se / 3)  # ndcg of a half is the third place


def test_metrics_that_are_no_mean_over_users_have_seeds_only() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2], metrics=["coverage", "hr"])
    found = [
        measured(setting(asked, "8"), seed, evaluation([1, 0], coverage=0.2 + seed / 100)) for seed in (1, 2)
    ] + [measured(setting(asked, "16"), seed, evaluation([1, 0], coverage=0.3)) for seed in (1, 2)]
    gaps = line(answered(asked, found), "8").gaps
    assert gaps["coverage"].mean == pytest.approx(-0.085)
    assert gaps["coverage"].users_se is None
    assert gaps["hr"].users_se == 0


def test_ndcg_is_kept_a_user_too() -> None:
    assert line(two(metrics=["ndcg"]), "8").gaps["ndcg"].users_se == pytest.approx(
        (line(two(), "8").gaps["hr"].users_se or 0) / 2
    )


def test_a_metric_that_an_evaluation_lacks_is_left_out() -> None:
    found = line(two(metrics=["hr", "novelty_sales"]), "8")
    assert set(found.figures) == set(found.gaps) == {"hr"}


def test_who_has_no_chance_in_it_counts_once_however_many_the_seeds() -> None:
    asked = study(models=["itemknn"], seeds=[1, 2, 3])
    found = [
        measured(setting(asked, label), seed, evaluation(hits), fit=label)
        for label, hits in {"correct": [1, 1, 0, 0], "day": [1, 0, 0, 0], "random": [0, 0, 0, 0]}.items()
        for seed in asked.seeds
    ]
    day = line(answered(asked, found), "day")
    assert (day.figures["hr"].mean, day.figures["hr"].seeds, day.figures["hr"].se) == (0.25, 1, None)
    assert (day.gaps["hr"].low, day.gaps["hr"].users_se) == (None, pytest.approx(0.25))


def test_one_fit_against_three_is_three_differences() -> None:
    asked = study(models=["als", "itemknn"], axes=[], reference_model="als", seeds=[1, 2, 3])
    rows = {1: [1, 0, 0, 0], 2: [1, 1, 0, 0], 3: [1, 1, 1, 0]}
    fits = [measured(setting(asked, model="als"), seed, evaluation(row)) for seed, row in rows.items()]
    fits += [measured(setting(asked, model="itemknn"), s, evaluation([1, 1, 1, 1]), fit="one") for s in rows]
    found = line(answered(asked, fits), "itemknn")
    assert (found.figures["hr"].seeds, found.gaps["hr"].mean) == (1, 0.5)
    assert found.gaps["hr"].seeds_margin == pytest.approx(4.302653 * 0.25 / math.sqrt(3), rel=1e-5)


def test_whoever_was_asked_something_else_is_not_paired_by_user() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2])
    found = by_seed(asked, {"16": MORE}) + [
        measured(setting(asked, "8"), seed, evaluation([1, 0, 0, 0, 0], question="other")) for seed in (1, 2)
    ]
    told = answered(asked, found)
    apart = math.hypot(
        math.sqrt(0.2 * 0.8 / 4), math.sqrt(0.75 * 0.25 / 3)
    )  # sd / sqrt n of 5 and of 4 users
    assert line(told, "8").gaps["hr"].users_se == pytest.approx(apart)
    assert not told.asked_alike
    assert two().asked_alike
    assert line(told, "8").gaps["hr"].mean == pytest.approx(0.2 - 0.75)
    assert told.users == 5


def test_seconds_are_those_of_a_fit() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2])
    found = [measured(setting(asked, label), seed, evaluation([1, 0]), seconds=2.0 * seed)
             for label in ("8", "16") for seed in (1, 2)]  # fmt: skip
    assert line(answered(asked, found), "8").seconds == 3.0


def test_what_the_log_cannot_tell_has_a_reason_instead_of_figures() -> None:
    asked = study(needs=[{"kind": "returning_users", "value": "day"}], seeds=[1])
    found = by_seed(asked, {"correct": [[1, 0]], "random": [[0, 0]]})
    day = line(answered(asked, found, SESSIONS), "day")
    assert day.not_identifiable == "0% of the users are seen on a second day, at least 5% are needed"
    assert (day.figures, day.gaps, day.seconds) == ({}, {}, None)
    assert line(answered(asked, found, SESSIONS), "random").gaps["hr"].mean == -0.5


def test_without_its_reference_a_setting_keeps_its_figures() -> None:
    asked = study(needs=[{"kind": "returning_users", "value": "correct"}], seeds=[1])
    found = by_seed(asked, {"day": [[1, 0]], "random": [[0, 0]]})
    day = line(answered(asked, found, SESSIONS), "day")
    assert (day.figures["hr"].mean, day.gaps) == (0.5, {})


def test_nothing_measured_is_an_answer_too() -> None:
    found = answered(study(needs=[{"kind": "returning_users"}]), [], SESSIONS)
    assert found.users == 0
    assert all(one.not_identifiable and not one.figures for one in found.lines)


def test_the_thesiss_figures_stand_beside_the_setting_they_belong_to() -> None:
    thesis = {"source": "table 4.4", "figures": {"hr": {"lstm · day": 49.37, "lstm · random": 43.37}}}
    asked = study(thesis=thesis, needs=[{"kind": "returning_users", "value": "day"}], seeds=[1])
    found = answered(asked, by_seed(asked, {"correct": [[1]], "random": [[0]]}), SESSIONS)
    assert [one.thesis for one in found.lines] == [{}, {"hr": 49.37}, {"hr": 43.37}]


@pytest.mark.parametrize(
    "values", [["correct", "day"], [{"kind": "full"}, {"kind": "sampled", "negatives": 4}], [1, 0.5]]
)
def test_an_answer_comes_back_from_json_with_its_references(values: list[Any]) -> None:
    asked = study(axes=[{"path": "x", "values": values, "reference": values[1]}], seeds=[1, 2])
    labels = [axis.label(value) for axis in asked.axes for value in axis.values]
    found = answered(asked, by_seed(asked, dict(zip(labels, (HALF, MORE), strict=True))))
    again = Answer.model_validate_json(found.model_dump_json())
    assert again == found
    assert again.reference(again.lines[0]) == again.lines[1]
    assert again.day == date(2017, 9, 14)
    assert again.traits == TRAITS
