"""Each check of the lists that are about to be published, on three users and five items."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Attribute, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.errors import PublishError
from hm_pipeline.evaluation.fitness import FitnessConfig, Shown, faults, full_share, require_fit

ANY = FitnessConfig(max_mix_distance=1, min_full_share=0, min_coverage=0)
GOOD = {"u1": "ab", "u2": "bc", "u3": "ad"}


def window(erased: str = "") -> Samples:
    """Items a b c d e: shoe shoe hat hat bag, viewed 3 2 2 2 1 times; users u1 u2 u3."""
    category = Attribute(("bag", "hat", "shoe"), np.array([0, 2, 2, 1, 1, 0], np.int32))
    users = Vocabulary.of(["u1", "u2", "u3"]).without([erased])
    histories = Histories.of([[1, 2, 3], [1, 4, 4], [1, 2, 3, 5]])
    counts = np.array([0, 3, 2, 2, 2, 1])
    attributes = {"category": category}
    return Samples(
        "SE", "refit", "2021-05-03", "2021-06-01", Vocabulary.of("abcde"), users, histories, counts, None,
        attributes, {},
    )  # fmt: skip


def rows(lists: dict[str, str]) -> pl.DataFrame:
    table = [(user, rank, item) for user, items in lists.items() for rank, item in enumerate(items, 1)]
    schema = {"user_id": pl.String, "rank": pl.Int16, "item_id": pl.String}
    return pl.DataFrame(table, schema=schema, orient="row")


def shown(
    lists: dict[str, str] | pl.DataFrame = GOOD,
    default: str = "ab",
    gone: str = "",
    k: int = 2,
    samples: Samples | None = None,
) -> Shown:
    samples = samples or window()
    buyable = np.ones(len(samples.items), np.bool_)
    buyable[["abcde".index(item) + 1 for item in gone]] = False
    frame = lists if isinstance(lists, pl.DataFrame) else rows(lists)
    return Shown(frame, rows({"": default}).drop("user_id"), samples, buyable, k)


def test_where_seen_items_are_left_out_a_list_is_full_with_all_that_is_left() -> None:
    # u1 saw a b c, u2 saw a d, u3 saw a b c e: with k = 3 they can get d e, b c e, d
    short = replace(shown(rows({"u1": "de", "u2": "bce", "u3": "d"}), default="abc", k=3))
    assert full_share(short) == pytest.approx(1 / 3)
    assert full_share(replace(short, exclude_seen=True)) == 1
    less = replace(shown(rows({"u1": "d", "u2": "bce", "u3": "d"}), default="abc", k=3), exclude_seen=True)
    assert full_share(less) == pytest.approx(2 / 3)


def test_good_lists_have_no_fault() -> None:
    assert faults(shown(), FitnessConfig(max_mix_distance=0.5, min_full_share=1, min_coverage=0.8)) == []
    require_fit(shown(), FitnessConfig())


def test_an_item_that_can_no_longer_be_bought_is_named() -> None:
    told = faults(shown(gone="bd", default="ac"), ANY)
    assert told == ["3 rows of the lists hold an item that can no longer be bought (b, d)"]
    told = faults(shown({"u1": "ad", "u2": "ac"}, gone="b"), ANY)
    assert told == ["1 rows of the default list hold an item that can no longer be bought (b)"]


def test_an_item_that_the_window_does_not_know_is_named_once_whatever_is_gone() -> None:
    unknown = shown({"u1": "ax", "u2": "bc"})
    unknown.buyable[0] = False  # as where an article that is gone is none of the window's
    assert faults(unknown, ANY) == ["1 rows of the lists hold an item that is not of the window (x)"]


def test_a_user_who_is_not_of_the_window_is_counted_and_never_named() -> None:
    told = faults(shown(GOOD | {"stranger": "ab"}), ANY)
    assert told == ["1 users are not of the window"]


def test_an_erased_user_may_have_no_list_and_needs_none() -> None:
    without = shown({"u1": "ab", "u3": "ad"}, samples=window(erased="u2"))
    assert full_share(without) == 1
    assert faults(without, ANY) == []
    assert faults(shown(samples=window(erased="u2")), ANY) == ["1 users are not of the window"]


def test_the_same_rank_twice_a_gap_and_one_place_too_many_are_counted() -> None:
    frame = rows(GOOD | {"u3": "adb"}).with_columns(
        rank=pl.when(pl.col("user_id") == "u1")
        .then(1)
        .when((pl.col("user_id") == "u2") & (pl.col("rank") == 2))
        .then(3)
        .otherwise(pl.col("rank"))
    )
    assert faults(shown(frame), ANY) == ["3 users have other ranks than 1, 2, … up to 2, each once"]


def test_an_item_twice_in_one_list_is_counted() -> None:
    assert faults(shown(GOOD | {"u2": "bb"}), ANY) == ["1 rows repeat an item of the same user"]


def test_what_a_user_had_last_is_counted_and_where_it_is_promised_all_he_had() -> None:
    # u1 had a b c, u2 had a d d, u3 had a b c e
    had = shown({"u1": "bc", "u2": "be", "u3": "eb", "stranger": "ab"})
    assert faults(had, ANY)[1:] == ["2 rows of the lists hold the item that their user had last"]
    assert faults(replace(had, exclude_seen=True), ANY)[1:] == [
        "2 rows of the lists hold the item that their user had last",
        "4 rows of the lists hold an item of their user's history",
    ]


def test_a_default_list_that_is_empty_is_told() -> None:
    assert faults(shown(default=""), ANY) == ["the default list is empty"]


def test_the_share_of_users_with_a_full_list_by_hand() -> None:
    some = shown({"u1": "ab", "u2": "b"})  # u3 has none
    assert full_share(some) == pytest.approx(1 / 3)
    told = faults(some, ANY.model_copy(update={"min_full_share": 0.5}))
    assert told == ["33.3% of 3 users have a full list, not 50.0%"]


def test_a_list_is_full_that_holds_all_that_can_be_bought_but_the_last_item() -> None:
    few = shown({"u1": "a", "u2": "b", "u3": "a"}, gone="cde")
    assert full_share(few) == 1
    assert full_share(shown({}, gone="bcde")) == 1


def test_the_share_of_the_items_that_are_shown_by_hand() -> None:
    assert faults(shown({"u1": "ab", "u2": "ba"}), ANY.model_copy(update={"min_coverage": 0.5})) == [
        "40.00% of the items are shown to anybody, not 50.00%"
    ]


def test_the_distance_of_the_category_mix_by_hand() -> None:
    # window: bag .1, hat .4, shoe .5; lists: shoe 1 -> (.1 + .4 + .5) / 2
    one_sided = shown({"u1": "ab", "u2": "ba"})
    assert faults(one_sided, ANY.model_copy(update={"max_mix_distance": 0.4})) == [
        "category mix 0.50 from the window's, more than 0.40"
    ]
    assert faults(one_sided, ANY.model_copy(update={"max_mix_distance": 0.51})) == []


def test_no_list_at_all_is_everything_that_can_be_wrong() -> None:
    told = faults(shown({}), FitnessConfig(min_coverage=0.1))
    assert told == [
        "0.0% of 3 users have a full list, not 90.0%",
        "0.00% of the items are shown to anybody, not 10.00%",
        "category mix 1.00 from the window's, more than 0.90",
    ]


def test_the_error_says_where_how_many_and_what_to_do() -> None:
    with pytest.raises(PublishError, match=r"market SE.*2021-06-01: 2 wrong: .*\(e\).*\[publish.checks\]"):
        require_fit(shown(GOOD | {"u2": "ee"}, gone="e"), ANY)
