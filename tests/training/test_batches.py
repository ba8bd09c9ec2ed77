"""Windows and batches: every target once, seeing neither too little nor too much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.data.histories import Histories
from hm_pipeline.errors import EmptyWindowError
from hm_pipeline.training.batches import BatchPlan
from hm_pipeline.training.windows import Windows

START = 1_000_000


def plan_of(windows: Windows, batch_targets: int = 16, unknown: float = 0.0, seed: int = 1) -> BatchPlan:
    return BatchPlan(windows, START, batch_targets, unknown, seed)


def histories_of(lengths: list[int]) -> Histories:
    """Every item is unique, so that a target's past can be read off."""
    ends = np.cumsum(lengths)
    return Histories.of(
        [list(range(end - n + 1, end + 1)) for n, end in zip(lengths, ends, strict=True)],
        users=list(range(1, len(lengths) + 1)),
    )


def seen(plan: BatchPlan, epoch: int = 0) -> dict[int, list[int]]:
    """target -> what its position has read, the start symbol included."""
    pasts: dict[int, list[int]] = {}
    for batch in plan.batches(epoch):
        width = batch.items.shape[1]
        for at, target in zip(batch.at, batch.targets, strict=True):
            assert int(target) not in pasts, "a target was counted twice"
            pasts[int(target)] = batch.items[at // width, : at % width + 1].tolist()
    return pasts


LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any)


@given(LENGTHS, st.integers(1, 9))
def test_each_target_is_counted_once_and_sees_its_own_latest_past(
    lengths: list[int], max_history: int
) -> None:
    histories = histories_of(lengths)
    pasts = seen(plan_of(Windows.one_pass(histories, max_history)))
    assert sorted(pasts) == sorted(histories.flat.tolist())
    for row in range(len(histories)):
        items = histories[row].tolist()
        for before, target in enumerate(items):
            past = pasts[target]
            real = [i for i in past if i != START]
            assert real == items[before - len(real) : before]
            assert min(before, max_history / 2) <= len(real) <= max_history
            assert (past[0] == START) == (len(real) == before), "the start symbol stands before h_1 only"


@given(LENGTHS, st.integers(1, 9))
def test_a_prefix_is_the_latest_max_history_items_exactly(lengths: list[int], max_history: int) -> None:
    histories = histories_of(lengths)
    pasts = seen(plan_of(Windows.by_prefix(histories, max_history)))
    assert sorted(pasts) == sorted(histories.flat.tolist())
    for row in range(len(histories)):
        items = histories[row].tolist()
        for before, target in enumerate(items):
            start = [START] if before <= max_history else []
            assert pasts[target] == start + items[max(0, before - max_history) : before]


def test_within_max_history_one_pass_and_prefixes_see_the_same() -> None:
    histories = histories_of([1, 5, 21, 3])
    one = seen(plan_of(Windows.one_pass(histories, 20)))
    assert one == seen(plan_of(Windows.by_prefix(histories, 20)))
    assert len(Windows.one_pass(histories, 20)) == 4


def test_batches_are_full_differ_by_epoch_and_repeat_under_a_seed() -> None:
    plan = plan_of(Windows.one_pass(histories_of([7] * 200), 20), batch_targets=64)
    sizes = [len(batch.targets) for batch in plan.batches(3)]
    assert sum(sizes) == 1400
    assert all(64 - 7 < size < 64 + 7 for size in sizes[:-1]) or sizes.count(min(sizes)) == 1
    first = [batch.targets.tolist() for batch in plan.batches(3)]
    assert first == [batch.targets.tolist() for batch in plan.batches(3)]
    assert first != [batch.targets.tolist() for batch in plan.batches(4)]


def test_a_share_of_users_becomes_the_unknown_one() -> None:
    plan = plan_of(Windows.one_pass(histories_of([2] * 2000), 20), batch_targets=512, unknown=0.1)
    users = np.concatenate([batch.users for batch in plan.batches(0)])
    assert 0.08 < (users == 0).mean() < 0.12


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(EmptyWindowError, match="no training target"):
        plan_of(Windows.one_pass(histories_of([0, 0]), 20))


def test_both_ways_every_interaction_is_a_target_twice_with_what_stands_on_either_side() -> None:
    histories = histories_of([1, 0, 4, 7])
    plan = plan_of(Windows.both_ways(histories, 3), batch_targets=10**9)
    (batch,) = plan.batches(0)
    width = batch.items.shape[1]
    pasts: dict[tuple[bool, int], list[int]] = {}
    for at, target in zip(batch.at, batch.targets, strict=True):
        row = batch.items[at // width]
        past = [int(i) for i in row[: at % width + 1]]
        backwards = past[0] == START + 1 or (past[0] != START and past[0] > target)
        pasts[backwards, int(target)] = past
    assert len(batch.targets) == len(pasts) == 2 * histories.total
    assert pasts[False, 4] == [START, 2, 3]
    assert pasts[True, 4] == [START + 1, 5]
    assert pasts[True, 2] == [START + 1, 5, 4, 3]
    for (backwards, target), past in pasts.items():
        near = [i for i in past if i < START]
        expected = target + np.arange(len(near), 0, -1) * (1 if backwards else -1)
        assert near == expected.tolist()


def test_the_horizon_adds_what_follows_a_target_in_its_window() -> None:
    histories = histories_of([4, 1])
    windows = Windows.both_ways(histories, 20)
    plan = BatchPlan(windows, START, 10**9, 0.0, seed=1, horizon=3)
    (batch,) = plan.batches(0)
    backwards = batch.items[batch.at // batch.items.shape[1], 0] > START
    found = {
        (bool(back), int(target)): later.tolist()
        for back, target, later in zip(backwards, batch.targets, batch.later, strict=True)
    }
    assert found == {
        (False, 1): [2, 3],
        (False, 2): [3, 4],
        (False, 3): [4, 0],
        (False, 4): [0, 0],
        (True, 4): [3, 2],
        (True, 3): [2, 1],
        (True, 2): [1, 0],
        (True, 1): [0, 0],
        (False, 5): [0, 0],
        (True, 5): [0, 0],
    }
    (short,) = BatchPlan(windows, START, 10**9, 0.0, seed=1).batches(0)
    assert short.later.shape == (len(short.targets), 0)
