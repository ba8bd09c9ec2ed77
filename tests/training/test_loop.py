"""When training stops, and what it keeps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hm_pipeline.data.histories import Histories
from hm_pipeline.progress import Step
from hm_pipeline.training import clock
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.checkpoint import Checkpoints
from hm_pipeline.training.config import TrainingConfig
from hm_pipeline.training.course import Course, Orders
from hm_pipeline.training.loop import train
from hm_pipeline.training.windows import Windows

TARGETS = 400  # an epoch, ten batches
PLAN = BatchPlan(Windows.one_pass(Histories.of([[1, 2, 3, 4]] * 100), 20), 5, 40, 0.0, seed=1)


class Counter(nn.Module):
    """A net whose weight says how far it was trained."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def loss(self, batch: Batch) -> Tensor:
        return -self.weight.sum() * float(batch.targets.double().mean())


def config_of(**changes: object) -> TrainingConfig:
    return TrainingConfig(**({"batch_targets": 40, "cycle_epochs": 4, "max_epochs": 12} | changes))  # type: ignore[arg-type]


def rated(*rates: float) -> Callable[[], float]:
    """A validation that goes through these figures and stays at the last."""
    left = list(rates)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def fit(orders: Orders, **changes: object) -> tuple[Course, float]:
    net = Counter()
    course = train(net, net.loss, PLAN, config_of(**changes), orders)
    return course, float(net.weight.detach())


def test_patience_is_counted_from_the_end_of_the_cycle() -> None:
    course, _ = fit(Orders(validate=rated(0.5, 0.4)))
    assert course.stopped == "patience"
    assert course.readings[-1].epoch == 7.0
    assert course.best is not None
    assert course.best.epoch == 1.0


def test_a_new_best_buys_three_more_epochs() -> None:
    course, _ = fit(Orders(validate=rated(0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1)))
    assert course.stopped == "patience"
    assert course.readings[-1].epoch == 9.0


def test_ties_keep_the_earlier_epoch_and_its_weights() -> None:
    once, weight_at_two = fit(Orders(validate=rated(0.1, 0.3, 0.2)))
    tied, weight_tied = fit(Orders(validate=rated(0.1, 0.3, 0.3, 0.3, 0.1)))
    assert once.best == tied.best
    assert weight_at_two == weight_tied
    _, weight_at_end = fit(Orders(epochs=7))
    assert weight_at_end > weight_at_two


def test_all_epochs_end_it_while_it_still_improves() -> None:
    course, _ = fit(Orders(validate=rated(*np.arange(0.1, 0.9, 0.05))), max_epochs=6)
    assert course.stopped == "all epochs"
    assert course.readings[-1].epoch == 6.0


def test_without_validation_it_trains_one_cycle() -> None:
    course, _ = fit(Orders())
    assert (course.stopped, course.readings[-1].epoch, course.best) == ("all epochs", 4.0, None)


def test_a_refit_of_a_market_whose_epoch_is_one_small_batch_has_all_its_epochs() -> None:
    net, all_at_once = Counter(), 10 * TARGETS
    plan = BatchPlan(Windows.one_pass(Histories.of([[1, 2, 3, 4]] * 100), 20), 5, all_at_once, 0.0, seed=1)
    course = train(net, net.loss, plan, config_of(batch_targets=all_at_once), Orders(epochs=5))
    assert (course.stopped, course.readings[-1].epoch) == ("refit", 5.0)


@pytest.mark.parametrize("epochs", [0.3, 1.0, 2.7, 5.1])
def test_a_refit_trains_exactly_so_many_epochs_without_validation(epochs: float) -> None:
    def never() -> float:
        raise AssertionError("a refit validated")

    course, _ = fit(Orders(validate=never, epochs=epochs))
    assert course.stopped == "refit"
    assert course.targets == pytest.approx(epochs * TARGETS, abs=20)


def test_a_refit_follows_the_same_schedule() -> None:
    course, _ = fit(Orders(epochs=3))
    reference, _ = fit(Orders(validate=rated(0.1)))
    assert [r.rate for r in course.readings] == [r.rate for r in reference.readings[:3]]


def test_a_run_out_of_time_is_reproduced_by_its_step() -> None:
    calls = iter(range(1000))
    in_time, weight = fit(Orders(validate=rated(0.1, 0.2, 0.3), should_stop=lambda: next(calls) >= 23))
    assert (in_time.stopped, in_time.step) == ("time", 24)
    again, same = fit(Orders(validate=rated(0.1, 0.2, 0.3), stop_at_step=24))
    assert again == in_time
    assert same == weight


def test_validation_may_come_several_times_an_epoch() -> None:
    course, _ = fit(Orders(validate=rated(0.1)), validations_per_epoch=2)
    assert [r.epoch for r in course.readings[:4]] == [0.5, 1.0, 1.5, 2.0]


def test_tables_may_learn_faster_than_all_else() -> None:
    def learned(table_rate: float) -> tuple[float, float]:
        net = nn.ModuleDict({"table": nn.Embedding(9, 1), "body": nn.Linear(1, 1, bias=False)})
        for weight in net.parameters():
            nn.init.zeros_(weight)

        def loss(batch: Batch) -> Tensor:
            return -sum((weight.sum() for weight in net.parameters()), torch.zeros(()))

        train(net, loss, PLAN, config_of(table_rate=table_rate, max_epochs=1), Orders())
        return tuple(float(weight.detach().flatten()[0]) for weight in net.parameters())  # type: ignore[return-value]

    table, body = learned(1.0)
    assert table == body > 0
    assert learned(3.0) == pytest.approx((3 * table, body))


def test_progress_reaches_its_total() -> None:
    steps: list[Step] = []
    fit(Orders(epochs=2, progress=steps.append, stage="train fake"))
    assert (steps[-1].done, steps[-1].total, steps[-1].stage) == (2 * TARGETS, 2 * TARGETS, "train fake")
    assert steps[0].note.startswith("epoch 1/2 · loss")
    assert steps[-1].note.endswith(" targets/s")


def test_another_runs_checkpoints_are_ignored(tmp_path: Path) -> None:
    def checkpoints(identity: str) -> Checkpoints:
        return Checkpoints(tmp_path, identity, lambda: None)

    fit(Orders(epochs=1, checkpoints=checkpoints("one")))
    assert checkpoints("one").load() is not None
    assert checkpoints("two").load() is None
    course, _ = fit(Orders(epochs=2, checkpoints=checkpoints("two")))
    assert course.step == 20


def test_hours_without_a_look_are_not_hours_without_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saves() -> int:
        made: list[None] = []
        there = Checkpoints(tmp_path / str(clock.SAVE_SECONDS), "a", lambda: made.append(None))
        fit(Orders(validate=rated(0.1, 0.2, 0.3), checkpoints=there, stop_at_step=9))
        return len(made)

    assert saves() == 1, "at the end"
    monkeypatch.setattr(clock, "SAVE_SECONDS", 0.0)
    assert saves() == 9
