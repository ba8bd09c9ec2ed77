"""Batches made ahead are the same batches, in the same order."""

import threading
from contextlib import closing

import pytest
import torch

from hm_pipeline.data.histories import Histories
from hm_pipeline.training.batches import BatchPlan
from hm_pipeline.training.prefetch import ahead, fed
from hm_pipeline.training.windows import Windows


@pytest.mark.parametrize("numbers", [range(0), range(2), range(3, 20)])
def test_what_is_made_ahead_comes_in_order(numbers: range) -> None:
    assert list(ahead(lambda number: number * number, numbers, depth=3)) == [n * n for n in numbers]


def test_it_is_ahead_but_not_by_more_than_its_depth() -> None:
    made: list[int] = []
    third = threading.Event()

    def make(number: int) -> int:
        made.append(number)
        if number == 2:
            third.set()
        return number

    with closing(ahead(make, range(100), depth=3)) as batches:
        assert next(batches) == 0
        assert third.wait(10), "nothing was made while the first was used"
    assert made == [0, 1, 2], "it went on for nobody"


def test_what_goes_wrong_ahead_is_raised() -> None:
    def make(number: int) -> int:
        if number == 1:
            raise ValueError("no such batch")
        return number

    batches = ahead(make, range(5))
    assert next(batches) == 0
    with pytest.raises(ValueError, match="no such batch"):
        next(batches)


def test_a_plans_batches_are_fed_whole() -> None:
    plan = BatchPlan(Windows.one_pass(Histories.of([[1, 2, 3, 4]] * 30), 20), 9, 40, 0.3, seed=1)
    chosen = plan.epoch(0)
    fed_batches = fed(lambda n: plan.gather(chosen[n], 0, n), range(len(chosen)), torch.device("cpu"))
    for batch, expected in zip(fed_batches, plan.batches(0), strict=True):
        assert torch.equal(batch.items, expected.items)
        assert torch.equal(batch.users, expected.users)
        assert batch.seed == expected.seed
