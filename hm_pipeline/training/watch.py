"""Losses and gradient norms of the last steps, read from the device together.

Reading a number off a GPU waits for everything it has still to do, so there losses are read once in many
steps (sparse gradients have waits of their own); a CPU has the number at once. A loss that is no number is
named with its own step either way.
"""

from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from hm_pipeline.errors import DivergedError
from hm_pipeline.training.ranks import Ranks

STEPS = 50  # between two readings off a GPU


@dataclass(frozen=True, eq=False)
class Taken:
    """A step as it was taken."""

    step: int
    epochs: float
    rate: float
    targets: int  # of all ranks
    loss: Tensor  # this rank's part of the mean
    norm: Tensor  # of all ranks' gradient together


@dataclass
class Watch:
    """What was taken and not yet read."""

    stage: str
    ranks: Ranks
    every: int  # steps
    taken: list[Taken] = field(default_factory=list)

    def is_due(self) -> bool:
        """Whether enough steps wait to be read."""
        return len(self.taken) >= self.every

    def read(self) -> list[tuple[float, int]]:
        """(mean loss, targets) of each step since the last reading. DivergedError."""
        if not self.taken:
            return []
        losses = torch.stack([step.loss for step in self.taken]).double()
        norms = torch.stack([step.norm for step in self.taken]).tolist()
        means = (self.ranks.summed(losses) / self.ranks.size).tolist()
        read, self.taken = self.taken, []
        for step, mean, norm in zip(read, means, norms, strict=True):
            self._refuse_no_number(step, mean, norm)
        return [(mean, step.targets) for step, mean in zip(read, means, strict=True)]

    def _refuse_no_number(self, step: Taken, loss: float, norm: float) -> None:
        if not (isfinite(loss) and isfinite(norm)):
            raise DivergedError(
                f"{self.stage}: loss {loss}, gradient norm {norm} at step {step.step} "
                f"(epoch {step.epochs:.2f}, rate {step.rate:.2g}); lower training.max_lr or clip_norm"
            )
