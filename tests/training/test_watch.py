"""Losses that are read together say the same as losses read one by one."""

import pytest
import torch

from hm_pipeline.errors import DivergedError
from hm_pipeline.training.ranks import Ranks
from hm_pipeline.training.watch import Taken, Watch


def taken(step: int, loss: float, norm: float = 1.0) -> Taken:
    return Taken(step, step / 10, 1e-3, 40 + step, torch.tensor(loss), torch.tensor(norm))


def watch(*steps: Taken) -> Watch:
    return Watch("train fake", Ranks(), every=3, taken=list(steps))


def test_each_step_keeps_its_own_loss_and_targets() -> None:
    three = watch(taken(7, 0.5), taken(8, 0.25), taken(9, 0.125))
    assert three.is_due()
    assert three.read() == [(0.5, 47), (0.25, 48), (0.125, 49)]
    assert three.read() == []
    assert not three.is_due()


@pytest.mark.parametrize(
    "bad", [taken(8, torch.nan), taken(8, 1.0, torch.inf)], ids=["the loss", "the gradient"]
)
def test_the_step_that_diverged_is_named_among_many(bad: Taken) -> None:
    with pytest.raises(DivergedError, match=r"train fake: loss .* at step 8 \(epoch 0\.80"):
        watch(taken(7, 0.5), bad, taken(9, torch.nan)).read()
