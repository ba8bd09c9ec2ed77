"""Champions by age, worked by hand."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from hm_pipeline.evaluation.estimate import average
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Asked, Point, curve, markdown, points
from hm_pipeline.evaluation.plots import longevity_figure

DAY = date(2021, 6, 10)  # of the arrivals
OLD, FRESH = [1.0, 0, 0, 0], [1.0, 1, 0, 0]


def asked(age: int, hits: list[float], version: int = 1, question: str = "q", kind: str = "lstm") -> Asked:
    answered = np.array(hits, np.float32)
    evaluation = Evaluation(
        market="M",
        protocol="next_day",
        holdout="first",
        k=14,
        question=question,
        oov_rate=0,
        cold_rate=0,
        metrics={"hr": average(answered.astype(np.float64))},
        hits=answered,
        ndcg=answered,
    )
    return Asked(kind, version, DAY - timedelta(days=age), evaluation)


def test_a_model_that_learned_up_to_the_day_before_the_arrivals_has_age_1():
    found = points(DAY, [asked(5, OLD), asked(1, FRESH, version=2)])
    assert [(p.age, p.hr, p.version, p.users) for p in found] == [(1, 0.5, 2, 4), (5, 0.25, 1, 4)]


def test_what_was_lost_is_paired_with_the_fresh_model_of_the_same_night():
    old = points(DAY, [asked(5, OLD), asked(1, FRESH)])[1]
    assert (old.against_fresh.n, old.against_fresh.mean) == (4, -0.25)
    assert old.against_fresh.se == pytest.approx(np.std([0, -1, 0, 0], ddof=1) / 2)


def test_another_kind_is_no_measure_of_age():
    found = points(DAY, [asked(5, OLD, kind="itemknn"), asked(1, FRESH)])
    assert [(p.kind, p.against_fresh.n) for p in found] == [("lstm", 4), ("itemknn", 0)]


def test_points_of_older_code_that_met_another_kind_are_left_out_of_what_was_lost():
    old = points(DAY, [asked(5, OLD), asked(1, FRESH)])[1].model_copy(update={"kind": "itemknn"})
    (pooled,) = curve([old])
    assert (pooled.users, pooled.against_fresh.n) == (4, 0)


def test_without_a_fresh_model_nothing_is_said_of_what_was_lost():
    assert points(DAY, [asked(5, OLD), asked(2, FRESH)])[1].against_fresh.n == 0


def test_a_night_on_which_nobody_came_has_no_points():
    assert points(DAY, [asked(1, [])]) == ()


def test_nights_are_pooled_by_users_and_their_errors_add_in_squares():
    found = [
        a_point(DAY, hr=0.2, se=0.03, users=100),
        a_point(DAY + timedelta(days=1), hr=0.4, se=0.01, users=300),
    ]
    (pooled,) = curve(found)
    assert (pooled.age, pooled.nights, pooled.users) == (3, 2, 400)
    assert pooled.hr == pytest.approx(0.35)
    assert pooled.se == pytest.approx(math.hypot(0.03 * 100, 0.01 * 300) / 400)


def test_an_error_that_is_unknown_stays_unknown():
    assert curve([a_point(DAY, hr=0, se=None, users=1)])[0].se is None


def a_point(day: date, *, hr: float, se: float | None, users: int) -> Point:
    learned = day - timedelta(days=3)
    return Point(day=day, kind="gru", version=1, learned=learned, age=3, hr=hr, se=se, users=users)


def test_the_curve_goes_from_young_to_old_and_reads_as_a_table():
    found = points(DAY, [asked(5, OLD), asked(1, FRESH)])
    assert [p.age for p in curve(reversed(found))] == [1, 5]
    assert "| 5 | 1 | 4 | 25.00 ±25.00 | -25.00 ±25.00 |" in markdown(curve(found))
    assert "| 1 | 1 | 4 | 50.00 ±28.87 | - |" in markdown(curve(found))


def test_the_figure_is_drawn_also_of_a_single_point(tmp_path):
    for n, found in enumerate(
        [points(DAY, [asked(1, FRESH)]), points(DAY, [asked(1, FRESH), asked(9, OLD)])]
    ):
        file = longevity_figure(curve(found), tmp_path / f"{n}.png")
        assert file.read_bytes().startswith(b"\x89PNG")
