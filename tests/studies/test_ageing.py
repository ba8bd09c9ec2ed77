"""Ages, changes and prices, worked by hand: three users a day, two or three days."""

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.config import load
from hm_pipeline.data.arrays import Float64
from hm_pipeline.errors import ConfigError, ModelError
from hm_pipeline.evaluation.estimate import average
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.paired import difference
from hm_pipeline.studies.ageing import Aged, Ageing, Heard, ageing
from hm_pipeline.studies.ageing_table import markdown
from hm_pipeline.studies.ageing_words import sentences
from hm_pipeline.studies.change import Change, Pair, change, every
from hm_pipeline.studies.longevity import LongevityStudy
from hm_pipeline.studies.page import drawn, note
from hm_pipeline.studies.study import declared

MON, TUE, WED = (date(2021, 6, 7) + timedelta(days=d) for d in range(3))
CONFIG = load(Path(__file__).parents[2] / "deploy", "demo")
STUDY = LongevityStudy(name="s", question="How fast?", models=("lstm",), horizon=3, retraining=(1, 2, 7))


def heard(own: date, day: date, hits: list[float], question: str = "") -> Heard:
    answered = np.array(hits, np.float32)
    evaluation = Evaluation(
        market="M",
        protocol="next_day",
        holdout="first",
        k=14,
        question=question or str(day),
        oov_rate=0,
        cold_rate=0,
        metrics={"hr": average(answered.astype(np.float64))},
        hits=answered,
        ndcg=answered,
    )
    return Heard("lstm", own, day, 4.0, evaluation)


TWO_DAYS = [
    heard(MON, MON, [1, 1, 0]),
    heard(MON, TUE, [1, 0, 0]),
    heard(TUE, TUE, [1, 1, 1]),
]


def told(found: list[Heard]) -> Ageing:
    return ageing(STUDY, CONFIG, WED, "first", ("2021-06-06: nobody arrived",), found)


def lstm(found: list[Heard]) -> Aged:
    return told(found).models[0]


def test_a_model_has_age_1_on_the_day_it_was_trained_for_and_age_2_on_the_next():
    aged = lstm(TWO_DAYS)
    assert [(at.age, at.pooled.nights, at.pooled.users) for at in aged.ages] == [(1, 2, 6), (2, 1, 3)]
    assert aged.fresh.hr == pytest.approx(5 / 6)
    assert aged.ages[0].change is None


def test_what_is_lost_is_paired_with_the_model_of_the_same_day():
    lost = lstm(TWO_DAYS).ages[1].change
    assert lost is not None
    assert lost.mean == pytest.approx(-2 / 3)
    assert lost.users_se == pytest.approx(1 / 3), "0, -1, -1: sd .577 over the root of three"
    assert (lost.days, lost.days_se) == (1, None)


def test_a_model_trained_every_other_day_loses_half_of_what_age_2_loses():
    daily, other, weekly = lstm(TWO_DAYS).prices
    assert (daily.every, daily.change) == (1, None)
    assert daily.hr == pytest.approx(5 / 6)
    assert other.change is not None
    assert (other.change.mean, other.change.users_se) == pytest.approx((-1 / 3, 1 / 6))
    assert other.hr == pytest.approx(1 / 2)
    assert (weekly.hr, weekly.change) == (None, None), "nothing here is seven days old"


def test_a_model_asked_otherwise_than_the_fresh_one_is_refused():
    with pytest.raises(ModelError, match="cannot pair"):
        lstm([heard(MON, TUE, [1.0], "other"), heard(TUE, TUE, [1.0])])


def test_two_days_that_disagree_are_two_draws():
    found = change({2: 1.0}, [pair(2, TUE, [0, -1, -1]), pair(2, WED, [0, 0, 0])])
    assert found is not None
    assert found.mean == pytest.approx(-1 / 3)
    assert found.days_se == pytest.approx(1 / 3), "without one -2/3, without the other 0"
    assert found.se == found.days_se
    assert not found.is_more_than_noise


def test_an_age_of_one_day_leaves_the_others_their_error_over_days():
    twice = [pair(2, TUE, [0, -1, -1]), pair(2, WED, [0, 0, 0])]
    alone, both = change({2: 1.0}, twice), change({2: 1.0, 3: 1.0}, [*twice, pair(3, WED, [-1, -1, -1])])
    assert alone is not None
    assert both is not None
    assert both.days_se == alone.days_se == pytest.approx(1 / 3)


@pytest.mark.parametrize(("price", "least", "most"), [(7, 0.0, 0.03), (14, 0.1, 0.2)])
def test_where_only_the_luck_of_fits_differs_short_prices_are_safe_and_long_ones_are_not(
    price: int, least: float, most: float
):
    """The figures of docs/definitions.md, with fewer draws."""
    chance, left_out, draws = np.random.default_rng(1), 0, 400
    weights = every(price, range(1, 16))
    assert weights is not None
    for _ in range(draws):
        luck = chance.normal(size=15)
        pairs = [
            pair(day - own + 1, MON + timedelta(days=day), [luck[own] - luck[day]] * 4)
            for day in range(15)
            for own in range(day)
        ]
        found = change(weights, pairs)
        assert found is not None
        left_out += found.is_more_than_noise
    assert least <= left_out / draws <= most


def pair(age: int, day: date, differences: list[float]) -> Pair:
    return Pair(age, day, np.array(differences, np.float64))


def test_two_ages_that_lose_the_same_hits_of_the_same_users_know_no_more_than_one():
    alone = change({2: 1.0}, [pair(2, WED, [0, -1, -1])])
    both = change({2: 0.5, 3: 0.5}, [pair(2, WED, [0, -1, -1]), pair(3, WED, [0, -1, -1])])
    assert alone == both


def test_other_users_of_another_day_make_the_error_smaller():
    alone = change({2: 1.0}, [pair(2, TUE, [0, -1] * 50)])
    both = change({2: 1.0}, [pair(2, TUE, [0, -1] * 50), pair(2, WED, [0, -1] * 50)])
    assert alone is not None
    assert both is not None
    assert alone.users_se is not None
    assert both.users_se == pytest.approx(alone.users_se / math.sqrt(2), rel=0.01)


_DAY = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2, max_size=6)


@given(st.lists(_DAY, min_size=1, max_size=5))
def test_the_error_over_users_of_one_age_is_the_paired_difference_s(days: list[list[float]]):
    found = change({2: 1.0}, [pair(2, MON + timedelta(days=d), each) for d, each in enumerate(days)])
    flat: Float64 = np.concatenate([np.array(day) for day in days])
    nightly = difference(flat, np.zeros(len(flat)))
    assert found is not None
    assert (found.mean, found.users_se) == pytest.approx((nightly.mean, nightly.se), abs=1e-12)


@given(st.lists(st.tuples(*[st.sampled_from([-1.0, 0.0, 1.0])] * 3), min_size=2, max_size=6))
def test_with_days_of_one_size_the_error_over_days_is_the_jackknife_s(days: list[tuple[float, ...]]):
    pairs = [pair(2, MON + timedelta(days=d), list(each)) for d, each in enumerate(days)]
    found = change({2: 1.0}, pairs)
    without = [np.mean([p.differences for p in pairs if p is not gone]) for gone in pairs]
    n = len(days)
    assert found is not None
    assert found.days_se == pytest.approx(math.sqrt((n - 1) * np.var(without)), abs=1e-12)


def test_a_loss_is_more_than_noise_where_it_leaves_both_intervals():
    assert Change(mean=-0.1, days=14, days_se=0.04, users_se=0.04).is_more_than_noise
    assert not Change(mean=-0.1, days=14, days_se=0.04, users_se=0.06).is_more_than_noise
    assert not Change(mean=-0.1, days=3, days_se=0.04, users_se=0.04).is_more_than_noise, "4.3 se with 3 days"
    assert Change(mean=-0.1, days=1, users_se=0.04).is_more_than_noise, "one day says nothing of days"
    assert not Change(mean=-0.1, days=1).is_more_than_noise


def test_an_age_that_was_never_seen_lies_between_its_neighbours():
    assert every(3, [1, 2, 3]) == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3})
    assert every(3, [1, 3]) == pytest.approx({1: 1 / 2, 3: 1 / 2}), "age 2 is half of 1 and half of 3"
    assert every(2, [1, 3]) == pytest.approx({1: 3 / 4, 3: 1 / 4})
    assert every(1, [1, 3]) == {1: 1.0}
    assert every(4, [1, 3]) is None


def test_the_days_asked_end_with_the_day_before_the_run_date():
    assert STUDY.days(date(2021, 6, 10)) == (MON, TUE, WED)
    assert STUDY.model_copy(update={"every": 2}).days(date(2021, 6, 10)) == (MON, WED)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"horizon": 1}, "horizon"),
        ({"every": 3}, "one day is asked"),
        ({"retraining": [7, 1]}, "the smallest first"),
        ({"retraining": [1]}, "beyond 1"),
        ({"models": ["lstm", "lstm"]}, "stands twice"),
        ({"seeds": [1]}, "seeds"),
        ({"kind": "logevity"}, "'variants', 'longevity'"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(wrong: dict[str, object], said: str):
    with pytest.raises(ConfigError, match=said):
        declared(STUDY.model_dump() | wrong, "s.toml")


def test_a_declaration_that_names_no_kind_is_of_variants():
    content = {"name": "s", "question": "Who?", "models": ["a", "b"], "reference_model": "a"}
    assert declared(content, "s.toml").kind == "variants"
    assert declared(STUDY.model_dump(mode="json"), "s.toml") == STUDY


def test_the_sentence_tells_the_price_and_what_the_oldest_loses():
    assert sentences(told(TWO_DAYS)) == (
        "**lstm**, trained every 2 days instead of daily, loses 33.33 ±16.67 points of HR@14 "
        "(-66.67 ±33.33 at age 2); every 7 days was not measured, the oldest model was 2 days old.",
    )


def test_a_loss_within_noise_is_called_so_and_a_gain_a_gain():
    noisy = [heard(MON, MON, [1, 0]), heard(MON, TUE, [1, 0]), heard(TUE, TUE, [1, 1])]
    assert "instead of daily, differs by no more than noise, -25.00 ±25.00 points of HR@14" in note(
        told(noisy)
    )
    better = [heard(MON, MON, [0] * 9), heard(MON, TUE, [1] * 8 + [0]), heard(TUE, TUE, [0] * 9)]
    assert "instead of daily, gains 44.44 ±5.56 points of HR@14" in note(told(better))


def test_the_page_has_a_row_an_interval_a_row_an_age_and_who_was_passed_over():
    page = markdown(told(TWO_DAYS))
    assert "| lstm | day | 83.33% | - | - | - | - | - | 4.0 |" in page
    assert "| lstm | 2 days | 50.00% | -33.33 | -66.00 … -0.67 | - | 16.67 | **worse** | 2.0 |" in page
    assert "| lstm | 7 days | not measured | - | - | - | - | - | 0.6 |" in page
    assert "| 1 | 2 | 6 | 83.33% ±16.67 |" in page
    assert "| 2 | 1 | 3 | -66.67 ±33.33 |" in page
    assert "Passed over: 2021-06-06: nobody arrived" in page


def test_the_figure_is_the_same_twice(tmp_path):
    first, second = (drawn(told(TWO_DAYS), tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_the_answer_knows_which_days_of_which_market_were_asked():
    assert told(TWO_DAYS).days == (MON, TUE)
    assert (told(TWO_DAYS).market, told(TWO_DAYS).k) == ("demo", 14)


def test_an_answer_is_read_again_as_it_was_written():
    assert Ageing.model_validate_json(told(TWO_DAYS).model_dump_json()) == told(TWO_DAYS)
