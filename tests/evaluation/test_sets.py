"""The sets behind the measures of diversity."""

import numpy as np
import pytest

from hm_pipeline.evaluation import sets
from hm_pipeline.evaluation.sets import Sets

PLACES = np.array([[3, 7, 3], [2, -1, -1], [7, 3, -1], [-1, -1, -1], [5, 2, 7]], np.int32)


def test_order_and_repeats_do_not_matter() -> None:
    found = Sets.of(PLACES)
    assert found.lengths.tolist() == [2, 1, 2, 0, 3]
    assert found.values.tolist() == [3, 7, 2, 3, 7, 2, 5, 7]
    assert found.holders.tolist() == [0, 0, 2, 2, 0, 1, 0, 3]


def test_an_element_is_found_to_be_its_users_also_behind_an_empty_list() -> None:
    assert Sets.of(PLACES).owners(np.arange(8)).tolist() == [0, 0, 1, 2, 2, 4, 4, 4]


def same_partition(group: np.ndarray) -> list[list[int]]:
    return sorted(np.flatnonzero(group == one).tolist() for one in np.unique(group))


def test_users_with_one_set_are_one_group() -> None:
    assert same_partition(Sets.of(PLACES).groups) == [[0, 2], [1], [3], [4]]


def test_where_hashes_of_unlike_sets_meet_the_groups_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    many = Sets.of(chance.integers(-1, 3, (500, 4)).astype(np.int32))
    expected = same_partition(many.groups)
    monkeypatch.setattr(sets, "_hashed", lambda rows: np.zeros(len(rows), np.uint64))
    assert same_partition(Sets(many.rows).groups) == expected


def test_no_users_and_lists_without_places_have_sets_too() -> None:
    assert Sets.of(np.zeros((0, 3), np.int32)).groups.tolist() == []
    assert Sets.of(np.zeros((2, 0), np.int32)).groups.tolist() == [0, 0]
