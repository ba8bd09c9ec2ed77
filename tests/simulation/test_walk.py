"""How one click leads to the next: worked by hand, and against the chances that are written down."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shops import a_day, small

from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.demand import NOBODY, Demand
from hm_pipeline.simulation.next_click import next_click
from hm_pipeline.simulation.transitions import Transitions, transitions
from hm_pipeline.simulation.visits import cut


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(9, 40))
def test_a_chunk_has_whole_sessions_in_their_order_and_never_more_clicks_than_its_size(
    sessions: list[int], most: int
):
    lengths = np.array(sessions, dtype=np.int64)
    chunks = [lengths[rows].tolist() for rows in cut(lengths, most)]
    assert [*chain(*chunks)] == sessions
    assert all(0 < sum(chunk) <= most for chunk in chunks)


def test_chance_is_uniform_and_its_sources_are_independent():
    which = np.arange(100_000)
    one, other = (Chance("seed").of(name).uniform(which) for name in ("one", "other"))
    assert np.abs(np.histogram(one, 10, (0, 1))[0] - 10_000).max() < 500
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02
    normal = Chance("seed").normal(which)
    assert (abs(normal.mean()), abs(normal.std() - 1)) < (0.02, 0.02)


def test_a_number_of_chance_depends_on_nothing_drawn_before():
    chance = Chance("seed").of("day", 3)
    assert chance.uniform(np.array([7]))[0] == chance.uniform(np.arange(10))[7]


def test_popularity_by_hand():
    #   running sums .5 .75 .75 1: without the second, .5 and .25 are left, in thirds
    demand = Demand(np.array([[0.5, 0.25, 0.0, 0.25]]))
    taste, uniform = np.zeros(5, np.int32), np.array([0.0, 0.4, 0.6, 0.7, 0.999])
    anything = demand.draw(taste, np.full(5, NOBODY, np.int32), uniform)
    assert anything.tolist() == [0, 0, 1, 1, 3]
    assert demand.draw(taste, np.ones(5, np.int32), uniform).tolist() == [0, 0, 0, 3, 3]


def test_a_taste_has_a_popularity_of_its_own():
    demand = Demand(np.array([[1.0, 0.0], [0.0, 1.0]]))
    tastes, nothing = np.array([1, 0], np.int32), np.full(2, NOBODY, np.int32)
    assert demand.draw(tastes, nothing, np.array([0.0, 0.99])).tolist() == [1, 0]


def test_the_rule_by_hand():
    rule = Transitions(np.array([[1, 2], [0, 2], [0, 1]], np.int32), np.array([[3.0, 1], [0, 1], [0, 0]]))
    assert rule.follows(np.array([0, 1, 2, NOBODY], np.int32)).tolist() == [True, True, False, False]
    drawn = rule.draw(np.array([0, 0, 1], np.int32), np.array([0.74, 0.76, 0.0]))
    assert drawn.tolist() == [1, 2, 2]


def test_what_is_not_on_sale_follows_nothing_and_nothing_follows_itself():
    rule = transitions(np.tile(np.array([[0, 1]], np.int32), (2, 5)), np.array([True, False]))
    assert rule.follows(np.array([0, 1], np.int32)).tolist() == [False, True]
    assert rule.weights[1].tolist() == [1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7, 0, 1 / 9, 0]


def test_successors_are_of_the_same_category():
    shop, _, _ = a_day(small())
    assert (shop.items.category[shop.successors] == shop.items.category[:, None]).all()


def test_pure_order_is_the_rule_from_click_to_click():
    _, day, items = a_day(small(order=1, returns=0), 3)
    at = np.flatnonzero(day.visits.place > 0)
    at = at[day.rule.follows(items[at - 1])]
    live = day.rule.weights[items[at - 1]] > 0
    follows = day.rule.successors[items[at - 1]] == items[at, None]
    assert len(at) > 300
    assert (live & follows).any(axis=1).all()


def test_going_back_is_to_an_earlier_article_of_the_session():
    _, day, items = a_day(small(returns=1))
    for start, length in zip(day.visits.starts, day.visits.lengths, strict=True):
        session = items[start : start + length].tolist()
        for n in range(2, length):
            earlier, current = session[: n - 1], session[n - 1]
            assert session[n] in earlier or current in earlier, "who would stay goes on"


@pytest.mark.parametrize("order", [0.0, 0.5, 1.0])
def test_clicks_fall_as_their_true_chances_say(order: float):
    config = small(order=order, returns=0.3, users=3_000, interactions=40_000)
    _, day, items = a_day(config, 2)
    at = np.arange(len(items))
    chances = next_click(config, day, items, at)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    of_the_click = chances[at, items]
    assert (of_the_click > 0).all()
    _expect(of_the_click, (chances**2).sum(axis=1))
    for k in (1, 3, 30):
        bar = np.partition(chances, -k, axis=1)[:, -k]
        _expect(of_the_click >= bar, np.where(chances >= bar[:, None], chances, 0).sum(axis=1))


def test_too_many_interactions_for_so_few_people_are_refused():
    with pytest.raises(ValidationError, match="600 users who come once a day at most make"):
        small(interactions=100_000)


def _expect(found: np.ndarray, expected: np.ndarray) -> None:
    """The means agree within four standard errors of their difference."""
    difference = found - expected
    assert abs(difference.mean()) <= 4 * difference.std() / np.sqrt(len(difference)) + 1e-12
