"""The training loop: told what to learn from, how to validate, and when to stop.

All chance is a function of (seed, epoch, batch), so that a checkpoint is weights, moments and counters,
and a run resumed from one ends with the same bytes as a run that was never interrupted. That is so on CPUs; a
GPU adds gradients of one row in an order of its own, and two runs there differ in the last digits.
"""

import json
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, replace

import torch
from torch import Tensor, nn

from hm_pipeline.data.arrays import Int64
from hm_pipeline.progress import Step
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.clock import Clock
from hm_pipeline.training.config import TrainingConfig
from hm_pipeline.training.course import Course, Orders, Reading
from hm_pipeline.training.lazy_adam import LazyAdam
from hm_pipeline.training.pace import Pace
from hm_pipeline.training.prefetch import fed
from hm_pipeline.training.ranks import Ranks
from hm_pipeline.training.schedule import rate_at
from hm_pipeline.training.together import Together
from hm_pipeline.training.watch import STEPS, Taken, Watch


def train(
    net: nn.Module,
    loss: Callable[[Batch], Tensor],
    plan: BatchPlan,
    config: TrainingConfig,
    orders: Orders,
) -> Course:
    """Train `net` in place, on the device it lies on; it ends with the best weights on validation, or the
    last where none is asked. Several ranks (training/ranks.py) share each batch and end with the same net.

    Raises DivergedError when the loss or a gradient stops being a number.
    """
    run = _Run(net, loss, plan, config, orders)
    run.resume()
    while not run.course.stopped:
        run.epoch()
    run.keep_best()
    return run.course


class _Run:
    """One run; each method is one thing that happens in it."""

    def __init__(
        self,
        net: nn.Module,
        loss: Callable[[Batch], Tensor],
        plan: BatchPlan,
        config: TrainingConfig,
        orders: Orders,
    ) -> None:
        self.ranks, self.device = Ranks.here(), next(net.parameters()).device
        self.net, self.loss, self.config, self.orders = net, loss, config, orders
        self.plan = replace(plan, rank=self.ranks.rank, ranks=self.ranks.size)
        self.adam, self.pace = LazyAdam(dict(net.named_parameters()), _factors(net, config)), Pace()
        self.every = STEPS if self.device.type == "cuda" else 1  # steps between two waits for the device
        self.watch = Watch(orders.stage, self.ranks, self.every)
        self.clock = Clock(self.ranks, self.every, orders.should_stop)
        self.together = self._join() if self.ranks.joined else None
        self.course = Course()
        self.best: dict[str, Tensor] | None = None

    def _join(self) -> Together:
        first = self.plan.gather(self.plan.epoch(0)[0], 0, 0).to(self.device)
        together = Together(self.net, self.loss, self.ranks, first)
        self.loss = together.loss
        return together

    def resume(self) -> None:
        """Continue from the last checkpoint, if this very run has one: the first rank reads it for all."""
        checkpoints = self.orders.checkpoints
        saved = checkpoints.load() if checkpoints and self.ranks.is_first else None
        if saved:
            self.course = Course.of(saved.state)
            self.net.load_state_dict(_without_prefix(saved.tensors))
            self.adam.restore(saved.tensors, self.course.step)
            self.best = _without_prefix(saved.best) if saved.best else None
        if self.ranks.joined:
            self._stand_where_the_first_does()

    def _stand_where_the_first_does(self) -> None:
        self.course = Course.of(json.loads(self.ranks.text_from_first(json.dumps(asdict(self.course)))))
        self.adam.steps = self.course.step
        net, best = self.net.state_dict(), self.best or {}
        if self.course.best:
            self.best = best = {name: best.get(name, torch.empty_like(t)) for name, t in net.items()}
        self.ranks.from_first([*net.values(), *self.adam.tensors().values(), *best.values()])

    def epoch(self) -> None:
        """The rest of the current epoch."""
        chosen = self.plan.epoch(self.course.epoch)
        with closing(self._batches(chosen)) as batches:
            for batch in batches:
                self._step(batch)
                self._after_step()
                if self.course.stopped:
                    break
        if self.course.batch == len(chosen):
            self.course.epoch, self.course.batch = self.course.epoch + 1, 0

    def _batches(self, chosen: list[Int64]) -> Generator[Batch]:
        epoch, numbers = self.course.epoch, range(self.course.batch, len(chosen))
        return fed(lambda number: self.plan.gather(chosen[number], epoch, number), numbers, self.device)

    def keep_best(self) -> None:
        """Put the best weights into the net."""
        if self.best is not None:
            self.net.load_state_dict(self.best)

    def _step(self, batch: Batch) -> None:
        rate, clip = rate_at(self._epochs(), self.config), self.config.clip_norm
        loss = self.loss(batch) * batch.weight
        loss.backward()  # type: ignore[no-untyped-call]
        if self.together:
            self.together.exchange()
        at, norm = self._epochs(), self.adam.gradient_norm()
        self.watch.taken.append(Taken(self.course.step, at, rate, batch.all_targets, loss.detach(), norm))
        if self.watch.is_due():
            self._read()
        self.adam.step(rate, None if clip is None else (norm / clip).clamp(min=1.0))
        self._count(batch.all_targets)

    def _count(self, targets: int) -> None:
        self.course.step += 1
        self.course.batch += 1
        self.course.targets += targets

    def _read(self) -> None:
        """Count the losses of the steps since the last reading."""
        for loss, targets in self.watch.read():
            self.course.loss_targets += targets
            self.course.loss_sum += loss * targets

    def _after_step(self) -> None:
        """Look, stop, save and tell, each where it is due."""
        time_is_up, saving_is_due = self.clock.asked(self.course.step)
        finished = self._finished(time_is_up)
        looked = finished != "" or self._look_is_due()
        is_best = self._look() if looked else False
        self.course.stopped = finished or (self._out_of_patience() if looked else "")
        every = self.config.checkpoint_every_steps
        if looked or saving_is_due or (every and self.course.step % every == 0):
            self._save(is_best=is_best)
        self._tell()

    def _finished(self, time_is_up: bool) -> str:
        """Why nothing may follow this step, whatever validation says."""
        if self.orders.epochs is not None:
            left = self.orders.epochs * self.plan.targets - self.course.targets
            step = min(self.config.batch_targets, self.plan.targets)  # a small epoch is one step
            return "refit" if left < step / 2 else ""
        if self.course.step == self.orders.stop_at_step or time_is_up:
            return "time"
        return "all epochs" if self._epochs() >= self._most_epochs() else ""

    def _look_is_due(self) -> bool:
        """Whether this step reached the next of `validations_per_epoch` equal parts of an epoch."""
        parts = self.config.validations_per_epoch
        last = round((self.course.readings[-1].epoch if self.course.readings else 0.0) * self.plan.targets)
        return self.course.targets * parts // self.plan.targets > last * parts // self.plan.targets

    def _look(self) -> bool:
        """Note how it goes; True when it never went better."""
        self._read()
        course = self.course
        hit_rate = self.orders.validate() if self.orders.validate and self.orders.epochs is None else None
        loss = course.loss_sum / course.loss_targets
        reading = Reading(self._epochs(), course.step, loss, hit_rate, rate_at(self._epochs(), self.config))
        course.readings.append(reading)
        course.loss_sum, course.loss_targets = 0.0, 0
        if hit_rate is None or (course.best and hit_rate <= (course.best.hit_rate or 0.0)):
            return False
        course.best = reading
        self._remember_best()
        return True

    def _remember_best(self) -> None:
        """In one place: a new copy beside the old one would be a table of users more."""
        now = self.net.state_dict()
        if self.best is None:
            self.best = {name: torch.empty_like(tensor) for name, tensor in now.items()}
        for name, tensor in now.items():
            self.best[name].copy_(tensor)

    def _out_of_patience(self) -> str:
        if self.course.best is None:
            return ""
        waiting_since = max(self.course.best.epoch, self.config.cycle_epochs)
        return "patience" if self._epochs() - waiting_since >= self.config.patience else ""

    def _save(self, *, is_best: bool) -> None:
        self._read()  # a state that is no number any more is not kept
        if self.orders.checkpoints and self.ranks.is_first:
            tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
            state = asdict(self.course)
            self.orders.checkpoints.save(self.course.step, state, tensors | self.adam.tensors(), best=is_best)
        self.clock.saved = time.monotonic()

    def _tell(self) -> None:
        if self.ranks.is_first:
            done, total = self.course.targets, self._most_epochs() * self.plan.targets
            note = " · ".join(filter(None, (self._note(), self.pace.note(done))))
            self.orders.progress(Step(self.orders.stage, done, total, note))

    def _note(self) -> str:
        """`epoch 3/8 · loss 5.31 · hr .142`."""
        course, most = self.course, self._most_epochs()
        reading = course.readings[-1] if course.readings else None
        loss = (
            course.loss_sum / course.loss_targets if course.loss_targets else reading.loss if reading else 0
        )
        epoch = min((course.targets - 1) // self.plan.targets + 1, most)
        note = f"epoch {epoch:.3g}/{most:.3g} · loss {loss:.2f}"
        if reading and reading.hit_rate is not None:
            note += f" · hr {reading.hit_rate:.3f}".replace("0.", ".", 1)
        return note

    def _epochs(self) -> float:
        return self.course.targets / self.plan.targets

    def _most_epochs(self) -> float:
        """Epochs after which it ends at the latest; without validation, the cycle is all there is."""
        if self.orders.epochs is not None:
            return self.orders.epochs
        cycle = self.config.cycle_epochs
        return self.config.max_epochs if self.orders.validate else min(cycle, self.config.max_epochs)


def _factors(net: nn.Module, config: TrainingConfig) -> dict[str, float]:
    """Of the rate, for the embedding tables by their parameters' names."""
    tables = (name for name, module in net.named_modules() if isinstance(module, nn.Embedding))
    return {f"{name}.weight": config.table_rate for name in tables}


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("net."): t for name, t in tensors.items() if name.startswith("net.")}
