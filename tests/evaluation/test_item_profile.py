"""What kind of items the lists show: worked on three users, then against the definition spelled out slowly."""

import math
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Holdout, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate
from hm_pipeline.evaluation.item_profile import MOST_VALUES, OTHER, ItemProfile, Mix, Trait

# items        1      2      3      4           5 is never shown
# category     shoe   shoe   hat    (missing)   bag
# counts       4      3      2      1           0 of 10
# price        10     20     ?      40          50
CATEGORIES = ("", "bag", "hat", "shoe")
CODES, COUNTS, PRICES = [3, 3, 2, 0, 1], [4, 3, 2, 1, 0], [10, 20, math.nan, 40, 50]
LISTS = [[1, 2, 3], [2, 1, 3], [4]]  # Cem's list is short
NAN = math.nan


def samples(codes: list[int] = CODES, counts: list[int] = COUNTS, **values: list[float]) -> Samples:
    size = len(codes)
    return Samples(
        market="SE",
        protocol="next_day",
        first_day="2021-06-01",
        last_day="2021-06-02",
        items=Vocabulary.of(map(str, range(1, size + 1))),
        users=Vocabulary.of([]),
        train=Histories.of([]),
        counts=np.array([0, *counts]),
        sales=None,
        attributes={"category": Attribute(CATEGORIES, np.array([0, *codes], np.int32))},
        holdouts={},
        values={name: np.array([NAN, *numbers]) for name, numbers in values.items()},
    )


def places(lists: list[list[int]], k: int = 3) -> np.ndarray:
    return np.array([row + [-1] * (k - len(row)) for row in lists], np.int32).reshape(len(lists), k)


def trait(profile: ItemProfile, name: str) -> Trait:
    return next(t for t in profile.traits if t.name == name)


def ranks(of: Trait) -> list[tuple[int, float | None, float | None]]:
    return [(rank.n, rank.mean, rank.se) for rank in of.ranks]


@pytest.fixture(scope="module")
def three_users() -> ItemProfile:
    return ItemProfile.of(places(LISTS), samples(price=PRICES))


def test_popularity_by_rank_is_the_mean_of_the_training_interactions(three_users: ItemProfile) -> None:
    popularity = trait(three_users, "popularity")
    assert ranks(popularity) == [
        (3, pytest.approx((4 + 3 + 1) / 3), pytest.approx(stdev([4, 3, 1]) / math.sqrt(3))),
        (2, pytest.approx(3.5), pytest.approx(stdev([3, 4]) / math.sqrt(2))),
        (2, 2, 0),
    ]
    assert popularity.known == 1
    assert (popularity.catalogue, popularity.catalogue_known) == (2, 1)


def test_who_has_no_known_price_at_a_rank_is_left_out_there(three_users: ItemProfile) -> None:
    price = trait(three_users, "price")
    assert ranks(price) == [
        (3, pytest.approx(70 / 3), pytest.approx(stdev([10, 20, 40]) / math.sqrt(3))),
        (2, 15, 5),
        (0, None, None),
    ]
    assert price.known == pytest.approx(5 / 7)
    assert price.catalogue == 30, "item 3 has no price, item 5 counts though nobody is shown it"
    assert price.catalogue_known == pytest.approx(4 / 5)


def test_the_mix_says_what_is_shown_beside_the_catalogue_and_the_window(three_users: ItemProfile) -> None:
    (mix,) = three_users.mixes
    assert mix.attribute == "category"
    assert mix.values == ("shoe", "hat", "unknown", "bag"), "by the window's interactions"
    assert mix.shown == pytest.approx((4 / 7, 2 / 7, 1 / 7, 0))
    assert mix.catalogue == pytest.approx((2 / 5, 1 / 5, 1 / 5, 1 / 5))
    assert mix.window == pytest.approx((0.7, 0.2, 0.1, 0))


def test_one_user_has_no_standard_error() -> None:
    profile = ItemProfile.of(places([[1, 2]]), samples())
    assert ranks(trait(profile, "popularity")) == [(1, 4, None), (1, 3, None), (0, None, None)]


@pytest.mark.parametrize("lists", [[], [[], []]])
def test_lists_that_show_nothing_have_a_profile_without_figures(lists: list[list[int]]) -> None:
    profile = ItemProfile.of(places(lists), samples(price=PRICES))
    assert [ranks(t) for t in profile.traits] == [[(0, None, None)] * 3] * 2
    assert {t.known for t in profile.traits} == {None}
    assert set(profile.mixes[0].shown) == {0}


def test_an_attribute_of_which_nothing_is_known_is_told_apart() -> None:
    assert not ItemProfile.of(places(LISTS), samples(codes=[0] * 5)).known_mixes
    assert ItemProfile.of(places(LISTS), samples()).known_mixes


def test_rare_values_are_one() -> None:
    size = MOST_VALUES + 3
    many = samples(codes=[0] * size, counts=list(range(size, 0, -1)))
    values = tuple(f"v{code}" for code in range(size))
    many.attributes["category"] = Attribute(values, np.array([0, *range(size)], np.int32))
    (mix,) = ItemProfile.of(places([[1, size, size - 1]]), many).mixes
    assert mix.values == (*values[:MOST_VALUES], OTHER)
    assert mix.shown == pytest.approx((1 / 3, *[0] * (MOST_VALUES - 1), 2 / 3))
    assert mix.catalogue[-1] == pytest.approx(3 / size)


def evaluation(lists: list[list[int]] = LISTS) -> Evaluation:
    asked = Holdout(
        Histories.of([[] for _ in lists]),
        np.array([1] * len(lists), np.int32),
        {"category": np.array([3] * len(lists), np.int32)},
    )
    items = places(lists)
    shown = Recommendations(items, np.where(items > 0, 0, -np.inf).astype(np.float32))
    return evaluate(shown, asked, samples(price=PRICES), k=3)


def test_an_evaluation_keeps_the_profile_of_its_lists(tmp_path: Path, three_users: ItemProfile) -> None:
    saved = evaluation()
    assert saved.profile == three_users
    saved.save(tmp_path)
    assert Evaluation.load(tmp_path).profile == three_users


def test_an_evaluation_of_older_code_has_no_profile(tmp_path: Path) -> None:
    evaluation().save(tmp_path)
    (tmp_path / "profile.json").unlink()
    assert Evaluation.load(tmp_path).profile is None


@st.composite
def shown(draw: st.DrawFn) -> tuple[list[list[int]], list[int], list[float], list[int], int]:
    """lists, counts, prices (some unknown), codes, K."""
    size, k = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    order = st.permutations(range(1, size + 1))
    lists = [draw(order)[: draw(st.integers(0, min(size, k)))] for _ in range(draw(st.integers(0, 6)))]
    counts = [draw(st.integers(0, 9)) for _ in range(size)]
    prices = [draw(st.sampled_from([NAN, 0.0, 1.5, 8.25])) for _ in range(size)]
    return lists, counts, prices, [draw(st.integers(0, 3)) for _ in range(size)], k


@given(shown())
def test_a_profile_is_what_its_definition_says(
    case: tuple[list[list[int]], list[int], list[float], list[int], int],
) -> None:
    lists, counts, prices, codes, k = case
    profile = ItemProfile.of(places(lists, k), samples(codes, counts, price=prices))
    price = trait(profile, "price")
    for place, found in enumerate(price.ranks):
        there = [prices[row[place] - 1] for row in lists if len(row) > place]
        assert_described(found.n, found.mean, found.se, [p for p in there if not math.isnan(p)])
    priced = [p for p in prices if not math.isnan(p)]
    assert price.catalogue == (pytest.approx(fmean(priced)) if priced else None)
    assert_mixed(profile.mixes[0], [codes[i - 1] for row in lists for i in row], codes, counts)


def assert_described(n: int, mean: float | None, se: float | None, values: list[float]) -> None:
    assert n == len(values)
    assert mean == (pytest.approx(fmean(values)) if values else None)
    assert se == (pytest.approx(stdev(values) / math.sqrt(n)) if n > 1 else None)


def assert_mixed(mix: Mix, places: list[int], codes: list[int], counts: list[int]) -> None:
    for place, value in enumerate(mix.values):
        code = CATEGORIES.index("" if value == "unknown" else value)
        assert mix.shown[place] == pytest.approx(places.count(code) / max(len(places), 1))
        assert mix.catalogue[place] == pytest.approx(codes.count(code) / len(codes))
        seen = sum(n for n, c in zip(counts, codes, strict=True) if c == code)
        assert mix.window[place] == pytest.approx(seen / max(sum(counts), 1))
    assert set(mix.values) == {CATEGORIES[code] or "unknown" for code in codes}
