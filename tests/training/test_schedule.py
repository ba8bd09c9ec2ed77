"""The one-cycle rate."""

import pytest
import torch

from hm_pipeline.training.config import TrainingConfig
from hm_pipeline.training.schedule import rate_at


def test_it_starts_peaks_ends_and_stays() -> None:
    config = TrainingConfig(max_lr=1.0, cycle_epochs=10, pct_start=0.3)
    assert rate_at(0, config) == pytest.approx(1 / 25)
    assert rate_at(3, config) == pytest.approx(1.0)
    assert rate_at(10, config) == pytest.approx(1 / 100)
    assert rate_at(17, config) == rate_at(10, config)


def test_it_is_torchs_one_cycle() -> None:
    config = TrainingConfig(max_lr=1e-3, cycle_epochs=10, pct_start=0.3)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1e-3, total_steps=1001, pct_start=0.3, cycle_momentum=False, final_div_factor=4
    )
    for step in range(0, 1000):
        # torch puts the peak at pct_start * steps - 1, one step early
        if step in (0, 150, 600, 999):
            assert rate_at(step / 100, config) == pytest.approx(theirs.get_last_lr()[0], rel=0.02)
        optimiser.step()
        theirs.step()
