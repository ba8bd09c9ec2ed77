"""Histories out of order: what moves, what stays, and that nothing of it reaches who is asked."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.data.build import build
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.log import LOG_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Protocol, Samples
from hm_pipeline.data.shuffle import Order, shuffled

FIRST = date(2021, 6, 1)
SEEDS = range(200)
ORDERS: tuple[Order, ...] = ("correct", "day", "random")

days_of_one = st.lists(st.integers(0, 3), max_size=8).map(sorted)
days_of_all = st.lists(days_of_one, min_size=1, max_size=5)
orders = st.sampled_from(ORDERS)
seeds = st.integers(0, 2**31)


def numbered(days: list[list[int]]) -> Histories:
    """Item n is the n-th interaction of all, from 1: an item tells where it stood."""
    ends = np.cumsum([len(row) for row in days])
    return Histories.of(
        [list(range(end - len(row) + 1, end + 1)) for row, end in zip(days, ends, strict=True)]
    )


def moved(days: list[list[int]], order: Order, seed: int) -> Histories:
    flat = np.array([day for row in days for day in row], np.int32)
    return shuffled(numbered(days), flat, order, seed)


def plain(histories: Histories) -> list[list[int]]:
    return [histories[row].tolist() for row in range(len(histories))]


def found(order: Order, days: list[int]) -> set[tuple[int, ...]]:
    """The orders of one user's items that many seeds give."""
    return {tuple(plain(moved([days], order, seed))[0]) for seed in SEEDS}


# ---- by hand ----


def test_the_correct_order_stays() -> None:
    assert found("correct", [0, 0, 1]) == {(1, 2, 3)}


def test_a_day_takes_every_order_of_its_own_items_and_none_that_crosses_midnight() -> None:
    assert found("day", [0, 0, 1, 1]) == {(1, 2, 3, 4), (2, 1, 3, 4), (1, 2, 4, 3), (2, 1, 4, 3)}


def test_one_interaction_a_day_has_nothing_to_shuffle() -> None:
    assert found("day", [0, 1, 2]) == {(1, 2, 3)}


def test_random_takes_every_order_across_days() -> None:
    assert found("random", [0, 1, 2]) == set(permutations((1, 2, 3)))


def test_two_orders_of_a_day_come_about_equally_often() -> None:
    swapped = sum(plain(moved([[0, 0]], "day", seed))[0] == [2, 1] for seed in SEEDS)
    assert 70 <= swapped <= 130  # of 200; outside once in 20,000 draws


def test_a_seed_decides() -> None:
    days = [[0] * 20]
    assert plain(moved(days, "random", 1)) == plain(moved(days, "random", 1))
    assert plain(moved(days, "random", 1)) != plain(moved(days, "random", 2))


def test_a_history_that_is_cut_out_of_a_longer_array_keeps_to_its_cut() -> None:
    whole = Histories.of([[1, 2, 9], [3, 4, 9]])
    cut = Histories(whole.flat, whole.starts, whole.ends - 1, whole.users, whole.last)
    days_T = np.zeros(4, np.int32)
    assert [sorted(row) for row in plain(shuffled(cut, days_T, "random", 5))] == [[1, 2], [3, 4]]


# ---- as properties ----


@given(days_of_all, orders, seeds)
def test_everybody_keeps_his_own_items_his_place_and_what_was_his_last(
    days: list[list[int]], order: Order, seed: int
) -> None:
    before, after = numbered(days), moved(days, order, seed)
    assert [sorted(row) for row in plain(after)] == plain(before)
    assert after.users.tolist() == before.users.tolist()
    assert after.last.tolist() == before.last.tolist()
    assert after.flat is not before.flat


@given(days_of_all, seeds)
def test_the_days_of_a_shuffled_day_are_in_order(days: list[list[int]], seed: int) -> None:
    day_of = dict(enumerate((day for row in days for day in row), start=1))
    assert [[day_of[item] for item in row] for row in plain(moved(days, "day", seed))] == days


# ---- in samples ----


def log() -> InteractionLog:
    """Eight users who look at nine of twelve articles, three a day."""
    rows = [
        {
            "user_id": f"u{user}",
            "item_id": f"i{(5 * user + 7 * n) % 12:02}",
            "timestamp": datetime(2021, 6, 1 + n // 3, 9 + n, tzinfo=UTC),
            "day": FIRST + timedelta(days=n // 3),
            "event_type": "view",
        }
        for user in range(8)
        for n in range(9)
    ]
    return InteractionLog.of("SE", FIRST, FIRST + timedelta(days=2), pl.DataFrame(rows, schema=LOG_SCHEMA))


Built = Callable[..., Samples]


@pytest.fixture(params=["leave_last_out", "thesis", "next_day"])
def built(request: pytest.FixtureRequest) -> Built:
    """Samples of one protocol in an order."""
    protocol: Protocol = request.param
    day = FIRST + timedelta(days=2) if protocol == "next_day" else None

    def samples(order: Order, seed: int = 1) -> Samples:
        config = SampleConfig(order=order, order_seed=seed, validation_share=0.5)
        return build(log(), Catalogue.empty(), config, protocol, day)

    return samples


def asked(samples: Samples) -> dict[str, tuple[list[list[int]], list[int], list[int]]]:
    """All that a holdout says, read through its views."""
    return {
        name: (plain(h.histories), h.histories.last.tolist(), h.targets.tolist())
        for name, h in samples.holdouts.items()
    }


@pytest.mark.parametrize("order", ["day", "random"])
def test_who_is_asked_is_asked_the_same_whatever_order_was_learned(built: Built, order: Order) -> None:
    correct, other = built("correct"), built(order)
    assert asked(other) == asked(correct)
    assert any(asked(correct).values())
    assert other.items.digest == correct.items.digest
    assert other.counts.tolist() == correct.counts.tolist()
    assert [sorted(row) for row in plain(other.train)] == [sorted(row) for row in plain(correct.train)]
    assert plain(other.train) != plain(correct.train)


def test_a_digest_tells_orders_and_seeds_apart_but_no_seed_of_what_is_not_shuffled(built: Built) -> None:
    assert len({built(order, seed).digest for order in ("day", "random") for seed in (1, 2)}) == 4
    assert built("correct", 1).digest == built("correct", 2).digest
    assert built("correct").digest not in {built("day").digest, built("random").digest}


@pytest.mark.parametrize("order", ORDERS)
def test_samples_come_back_from_disk_with_both_arrays(built: Built, order: Order, tmp_path: Path) -> None:
    samples = built(order)
    samples.save(tmp_path)
    again = Samples.load(tmp_path)
    assert plain(again.train) == plain(samples.train)
    assert asked(again) == asked(samples)
    assert again.digest == samples.digest
    own = {name for name in samples.holdouts if (tmp_path / f"{name}.flat.npy").exists()}
    assert own == (set() if order == "correct" else set(samples.holdouts))
