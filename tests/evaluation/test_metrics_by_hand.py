"""Each metric of docs/definitions.md worked out on three users."""

import math

import numpy as np
import pytest

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Holdout, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate

# items        1      2      3      4           5 is never shown
# category     shoe   shoe   hat    (missing)   bag
# counts       4      3      2      1           0 … of 10; sales 0 1 3 0 0 of 4
CODES = {"": 0, "bag": 1, "hat": 2, "shoe": 3}
LISTS = [[1, 2, 3], [2, 1, 3], [4]]  # Ann and Bob are shown the same set, Cem's list is short
TARGETS = [3, 2, 0]  # third place, first place, outside the vocabulary
CATEGORIES = ["hat", "shoe", ""]  # Cem took something without a category


def samples(sales: list[int] | None = None) -> Samples:
    nothing = Histories.of([])
    return Samples(
        market="SE",
        protocol="next_day",
        first_day="2021-06-01",
        last_day="2021-06-02",
        items=Vocabulary.of(["1", "2", "3", "4", "5"]),
        users=Vocabulary.of([]),
        train=nothing,
        counts=np.array([0, 4, 3, 2, 1, 0]),
        sales=None if sales is None else np.array(sales),
        attributes={"category": Attribute(tuple(CODES), np.array([0, 3, 3, 2, 0, 1], np.int32))},
        holdouts={},
    )


def holdout() -> Holdout:
    categories = np.array([CODES[c] for c in CATEGORIES], np.int32)
    return Holdout(Histories.of([[1], [2, 3], []]), np.array(TARGETS, np.int32), {"category": categories})


def lists(of: list[list[int]] = LISTS, k: int = 3) -> Recommendations:
    items = np.array([row + [-1] * (k - len(row)) for row in of], np.int32).reshape(len(of), k)
    return Recommendations(items, np.where(items > 0, 1.0, -np.inf).astype(np.float32))


@pytest.fixture(scope="module")
def three_users() -> Evaluation:
    return evaluate(lists(), holdout(), samples([0, 0, 1, 3, 0, 0]), k=3, name="first")


def sd(*values: float) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def se(*values: float) -> float:
    return sd(*values) / math.sqrt(len(values))


def jackknife(*without: float) -> float:
    mean = sum(without) / len(without)
    return math.sqrt((len(without) - 1) / len(without) * sum((v - mean) ** 2 for v in without))


LN = [-math.log(p) for p in (0.4, 0.3, 0.2, 0.1)]
SOLD = [-math.log(p) for p in (1 / 4, 1 / 4, 3 / 4, 1 / 4)]  # never sold counts as sold once
ANN, CEM = sum(LN[:3]) / 3, LN[3]
SHOE, HAT, NONE = -math.log(0.7), -math.log(0.2), -math.log(0.1)
TWO_OF_THREE = (2 * SHOE + HAT) / 3

WORKED = {
    "hr": (2 / 3, se(1, 1, 0)),
    "precision": (2 / 9, se(1 / 3, 1 / 3, 0)),
    "ndcg": ((1 / math.log2(4) + 1 / math.log2(2)) / 3, se(0.5, 1, 0)),
    "mrr": ((1 / 3 + 1) / 3, se(1 / 3, 1, 0)),
    "coverage": (4 / 5, jackknife(4 / 5, 4 / 5, 3 / 5)),  # without Cem nobody is shown 4
    "overlap": (1 - 2 / 3, jackknife(1 - 2 / 2, 1 - 2 / 2, 1 - 1 / 2)),
    "personalization": (1 - 1 / 3, 2 * se(1 / 2, 1 / 2, 0)),  # cosines: Ann-Bob 1, the others 0
    "novelty": ((2 * ANN + CEM) / 3, se(ANN, ANN, CEM)),
    "novelty_sales": (
        (2 * sum(SOLD[:3]) / 3 + SOLD[3]) / 3,
        se(sum(SOLD[:3]) / 3, sum(SOLD[:3]) / 3, SOLD[3]),
    ),
    "empty_lists": (0, 0),
    "short_lists": (1 / 3, se(0, 0, 1)),
    # as categories: Ann shoe shoe hat, Bob shoe shoe hat, Cem (missing)
    "hr_category": (1, 0),
    "precision_category": ((1 / 3 + 2 / 3 + 1 / 3) / 3, se(1 / 3, 2 / 3, 1 / 3)),
    "ndcg_category": ((1 / 2 + 1 + 1) / 3, se(1 / 2, 1, 1)),
    "mrr_category": ((1 / 3 + 1 + 1) / 3, se(1 / 3, 1, 1)),
    "coverage_category": (3 / 4, jackknife(3 / 4, 3 / 4, 2 / 4)),
    "overlap_category": (1 / 3, jackknife(0, 0, 1 / 2)),
    "personalization_category": (2 / 3, 2 * se(1 / 2, 1 / 2, 0)),
    "novelty_category": ((2 * TWO_OF_THREE + NONE) / 3, se(TWO_OF_THREE, TWO_OF_THREE, NONE)),
}


@pytest.mark.parametrize("metric", WORKED)
def test_a_metric_is_what_comes_out_by_hand(three_users: Evaluation, metric: str) -> None:
    mean, error = WORKED[metric]
    assert three_users.metrics[metric].mean == pytest.approx(mean, abs=1e-12)
    assert three_users.metrics[metric].se == pytest.approx(error, abs=1e-12)


def test_every_metric_has_been_worked_by_hand(three_users: Evaluation) -> None:
    assert set(three_users.metrics) == set(WORKED) | {"novelty_sales_category"}


def test_novelty_by_sales_needs_sales() -> None:
    assert not [m for m in evaluate(lists(), holdout(), samples(), k=3).metrics if "sales" in m]


def test_a_target_outside_the_vocabulary_misses_but_stays_in_the_denominator(three_users: Evaluation) -> None:
    assert three_users.hits.tolist() == [1, 1, 0]
    assert three_users.n == 3
    assert three_users.oov_rate == pytest.approx(1 / 3)
    assert three_users.cold_rate == pytest.approx(1 / 3)


def test_only_the_first_k_places_count() -> None:
    at_2 = evaluate(lists(), holdout(), samples(), k=2)
    assert at_2.hits.tolist() == [0, 1, 0]
    assert at_2.metrics["precision"].mean == pytest.approx(1 / 6)


def test_a_list_narrower_than_k_is_short() -> None:
    at_14 = evaluate(lists(), holdout(), samples(), k=14)
    assert at_14.metrics["precision"].mean == pytest.approx(2 / (3 * 14))
    assert at_14.metrics["short_lists"].mean == 1
    assert at_14.metrics["hr"] == evaluate(lists(), holdout(), samples(), k=3).metrics["hr"]


def test_empty_lists_are_counted_and_leave_personalization_and_novelty_to_the_others() -> None:
    measured = evaluate(lists([[1, 2, 3], [], [4]]), holdout(), samples(), k=3).metrics
    assert measured["empty_lists"].mean == pytest.approx(1 / 3)
    assert measured["personalization"].mean == 1
    assert measured["novelty"].mean == pytest.approx((ANN + CEM) / 2)
    assert measured["overlap"].mean == 0  # the empty set is a set of its own


def test_personalization_of_fewer_than_two_lists_does_not_exist() -> None:
    measured = evaluate(lists([[1, 2], [], []]), holdout(), samples(), k=3).metrics
    assert measured["personalization"].mean is None
    assert measured["personalization"].se is None


def test_nobody_asked_gives_nulls_and_no_error() -> None:
    nobody = holdout().take(slice(0, 0))
    measured = evaluate(lists([]), nobody, samples(), k=3)
    assert measured.n == 0
    assert {e.mean for e in measured.metrics.values()} == {None}


def test_one_user_has_no_standard_error() -> None:
    measured = evaluate(lists([[1, 2, 3]]), holdout().take(slice(0, 1)), samples(), k=3)
    assert {e.se for e in measured.metrics.values()} == {None}
    assert measured.metrics["hr"].mean == 1
