"""The training loop: told what to learn from, how to validate, and when to stop.

All chance is a function of (seed, epoch, batch), so that a checkpoint is weights, moments and counters,
and a run resumed from one ends with the same bytes as a run that was never interrupted.
"""

from collections.abc import Callable
from dataclasses import asdict
from math import isfinite

from torch import Tensor, nn

from hm_pipeline.errors import DivergedError
from hm_pipeline.progress import Step
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.config import TrainingConfig
from hm_pipeline.training.course import Course, Orders, Reading
from hm_pipeline.training.lazy_adam import LazyAdam
from hm_pipeline.training.schedule import rate_at


def train(
    net: nn.Module,
    loss: Callable[[Batch], Tensor],
    plan: BatchPlan,
    config: TrainingConfig,
    orders: Orders,
) -> Course:
    """Train `net` in place; it ends with the best weights on validation, or the last where none is asked.

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
        self.net, self.loss, self.plan, self.config, self.orders = net, loss, plan, config, orders
        self.adam = LazyAdam(dict(net.named_parameters()))
        self.course = Course()
        self.best: dict[str, Tensor] | None = None

    def resume(self) -> None:
        """Continue from the last checkpoint, if this very run has one."""
        saved = self.orders.checkpoints.load() if self.orders.checkpoints else None
        if saved:
            self.course = Course.of(saved.state)
            self.net.load_state_dict(_without_prefix(saved.tensors))
            self.adam.restore(saved.tensors, self.course.step)
            self.best = _without_prefix(saved.best) if saved.best else None

    def epoch(self) -> None:
        """The rest of the current epoch."""
        chosen = self.plan.epoch(self.course.epoch)
        while self.course.batch < len(chosen) and not self.course.stopped:
            number = self.course.batch
            self._step(self.plan.gather(chosen[number], self.course.epoch, number))
            self._after_step()
        if self.course.batch == len(chosen):
            self.course.epoch, self.course.batch = self.course.epoch + 1, 0

    def keep_best(self) -> None:
        """Put the best weights into the net."""
        if self.best is not None:
            self.net.load_state_dict(self.best)

    def _step(self, batch: Batch) -> None:
        rate = rate_at(self._epochs(), self.config)
        loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm, value = self.adam.gradient_norm(), float(loss.detach())
        if not (isfinite(value) and isfinite(norm)):
            raise DivergedError(
                f"{self.orders.stage}: loss {value}, gradient norm {norm} at step {self.course.step} "
                f"(epoch {self._epochs():.2f}, rate {rate:.2g}); lower training.max_lr or clip_norm"
            )
        clip = self.config.clip_norm
        self.adam.step(rate, clip / norm if clip and norm > clip else 1.0)
        self._count(batch, value)

    def _count(self, batch: Batch, loss: float) -> None:
        n = len(batch.targets)
        self.course.step += 1
        self.course.batch += 1
        self.course.targets += n
        self.course.loss_targets += n
        self.course.loss_sum += loss * n

    def _after_step(self) -> None:
        """Look, stop, save and tell, each where it is due."""
        finished = self._finished()
        looked = finished != "" or self._look_is_due()
        is_best = self._look() if looked else False
        self.course.stopped = finished or (self._out_of_patience() if looked else "")
        every = self.config.checkpoint_every_steps
        if looked or (every and self.course.step % every == 0):
            self._save(is_best=is_best)
        self._tell()

    def _finished(self) -> str:
        """Why nothing may follow this step, whatever validation says."""
        if self.orders.epochs is not None:
            left = self.orders.epochs * self.plan.targets - self.course.targets
            return "refit" if left < self.config.batch_targets / 2 else ""
        if self.course.step == self.orders.stop_at_step or self.orders.should_stop():
            return "time"
        return "all epochs" if self._epochs() >= self._most_epochs() else ""

    def _look_is_due(self) -> bool:
        """Whether this step reached the next of `validations_per_epoch` equal parts of an epoch."""
        parts = self.config.validations_per_epoch
        last = round((self.course.readings[-1].epoch if self.course.readings else 0.0) * self.plan.targets)
        return self.course.targets * parts // self.plan.targets > last * parts // self.plan.targets

    def _look(self) -> bool:
        """Note how it goes; True when it never went better."""
        course = self.course
        hit_rate = self.orders.validate() if self.orders.validate and self.orders.epochs is None else None
        loss = course.loss_sum / course.loss_targets
        reading = Reading(self._epochs(), course.step, loss, hit_rate, rate_at(self._epochs(), self.config))
        course.readings.append(reading)
        course.loss_sum, course.loss_targets = 0.0, 0
        if hit_rate is None or (course.best and hit_rate <= (course.best.hit_rate or 0.0)):
            return False
        course.best = reading
        self.best = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}
        return True

    def _out_of_patience(self) -> str:
        if self.course.best is None:
            return ""
        waiting_since = max(self.course.best.epoch, self.config.cycle_epochs)
        return "patience" if self._epochs() - waiting_since >= self.config.patience else ""

    def _save(self, *, is_best: bool) -> None:
        if self.orders.checkpoints:
            tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
            state = asdict(self.course)
            self.orders.checkpoints.save(self.course.step, state, tensors | self.adam.tensors(), best=is_best)

    def _tell(self) -> None:
        course, most = self.course, self._most_epochs()
        reading = course.readings[-1] if course.readings else None
        loss = (
            course.loss_sum / course.loss_targets if course.loss_targets else reading.loss if reading else 0
        )
        epoch = min((course.targets - 1) // self.plan.targets + 1, most)
        note = f"epoch {epoch:.3g}/{most:.3g} · loss {loss:.2f}"
        if reading and reading.hit_rate is not None:
            note += f" · hr {reading.hit_rate:.3f}".replace("0.", ".", 1)
        self.orders.progress(Step(self.orders.stage, course.targets, most * self.plan.targets, note))

    def _epochs(self) -> float:
        return self.course.targets / self.plan.targets

    def _most_epochs(self) -> float:
        """Epochs after which it ends at the latest; without validation, the cycle is all there is."""
        if self.orders.epochs is not None:
            return self.orders.epochs
        cycle = self.config.cycle_epochs
        return self.config.max_epochs if self.orders.validate else min(cycle, self.config.max_epochs)


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("net."): t for name, t in tensors.items() if name.startswith("net.")}
