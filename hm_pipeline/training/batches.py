"""Windows drawn until a batch is full of targets.

B windows of a batch, L length, T counted targets, H further items ahead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.errors import EmptyWindowError
from hm_pipeline.training.windows import Windows

BATCHES_SORTED_TOGETHER = 32  # windows of so many batches are sorted by length: little padding, still mixed


@dataclass(frozen=True, eq=False)
class Batch:
    """items_BL padded on the right with 0; `at` (T,) flat positions b * L + l whose state meets targets_T.

    later_TH are the items that follow a target in its window, 0 where there is none. Of several ranks each
    holds its share, whose mean counts `weight` in the mean over the ranks.
    """

    items: Tensor
    users: Tensor  # (B,)
    at: Tensor
    targets: Tensor
    later: Tensor
    seed: tuple[int, ...]  # of the chance that all ranks share: never a state carried from step to step
    noise: tuple[int, ...]  # of the chance that is a rank's own
    weight: float
    all_targets: int  # of all shares together

    def pinned(self) -> Self:
        """The same where a GPU can fetch it by itself."""
        return self._with(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """The same on a device; from pinned memory nobody waits for the copy."""
        return self._with(lambda part: torch.as_tensor(part).to(device, non_blocking=True))

    def _with(self, change: Callable[[Tensor], Tensor]) -> Self:
        return replace(
            self,
            items=change(self.items),
            users=change(self.users),
            at=change(self.at),
            targets=change(self.targets),
            later=change(self.later),
        )


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """Which windows meet in which batch, anew each epoch, a function of (seed, epoch) alone."""

    windows: Windows
    start_symbol: int  # the next number is that of histories read from their end
    batch_targets: int
    unknown_user_share: float
    seed: int
    horizon: int = 1  # items ahead that a state is to know
    rank: int = 0  # whose share of each batch is gathered
    ranks: int = 1

    def __post_init__(self) -> None:
        """Refuse to train on nothing."""
        if not self.targets:
            raise EmptyWindowError("no training target: every history is empty; widen the window of days")

    @cached_property
    def targets(self) -> int:
        """Targets of an epoch."""
        return int(self.windows.targets.sum())

    def epoch(self, epoch: int) -> list[Int64]:
        """The window numbers of each batch of this epoch, in the order of training."""
        chance = np.random.default_rng((self.seed, epoch))
        order = chance.permutation(len(self.windows))
        pool = np.cumsum(self.windows.targets[order]) // (self.batch_targets * BATCHES_SORTED_TOGETHER)
        order = order[np.lexsort((self.windows.length[order], pool))]
        before = np.cumsum(self.windows.targets[order]) - self.windows.targets[order]
        batches = np.split(order, np.flatnonzero(np.diff(before // self.batch_targets)) + 1)
        return [batches[i] for i in chance.permutation(len(batches))]

    def gather(self, chosen: Int64, epoch: int, number: int) -> Batch:
        """This rank's share of the batch of these windows, with some users replaced by the unknown one.

        A rank for whom no window is left takes one that counts nothing, so that nobody waits for it.
        """
        seed, w = (self.seed, epoch, number), self.windows
        replaced = np.random.default_rng(seed).random(len(chosen)) < self.unknown_user_share
        users = np.where(replaced, 0, w.users[chosen]).astype(np.int64)
        all_targets, idle = int(w.targets[chosen].sum()), self.rank >= len(chosen)
        mine = slice(0, 1) if idle else slice(self.rank, None, self.ranks)
        share = float(w.targets[chosen[mine]].sum()) / all_targets
        items, at, later, targets = map(torch.from_numpy, self._read(chosen[mine]))
        return Batch(
            items=items,
            users=torch.from_numpy(users[mine]),
            at=at,
            targets=targets,
            later=later,
            seed=seed,
            noise=seed if self.ranks == 1 else (*seed, self.rank),
            weight=0.0 if idle else self.ranks * share,
            all_targets=all_targets,
        )

    def _read(self, chosen: Int64) -> tuple[Int64, Int64, Int64, Int64]:
        """items_BL of these windows, the counted positions at_T, their later_TH and targets_T."""
        w = self.windows
        position, step = np.arange(int(w.length[chosen].max())), w.step[chosen, None]
        at = w.origin[chosen, None] + step * position
        inside = position < w.length[chosen, None]
        items = np.where(inside, w.flat[np.clip(at, 0, len(w.flat) - 1)], 0).astype(np.int64)
        start_symbol = np.where(step[:, 0] > 0, self.start_symbol, self.start_symbol + 1)
        items[:, 0] = np.where(w.fresh[chosen], start_symbol, items[:, 0])
        counted = inside & (position >= w.context[chosen, None])
        targets = w.flat[(at + step)[counted]].astype(np.int64)
        return items, np.flatnonzero(counted), self._later(chosen, at, counted), targets

    def _later(self, chosen: Int64, at: Int64, counted: Bool) -> Int64:
        """later_TH: the second to the last of the `horizon` items that follow a counted position."""
        w, row = self.windows, np.nonzero(counted)
        ahead = np.arange(2, self.horizon + 1)
        places = at[row][:, None] + w.step[chosen][row[0], None] * ahead
        inside = row[1][:, None] + ahead <= w.length[chosen][row[0], None]
        return np.where(inside, w.flat[np.clip(places, 0, len(w.flat) - 1)], 0).astype(np.int64)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """All batches of an epoch."""
        for number, chosen in enumerate(self.epoch(epoch)):
            yield self.gather(chosen, epoch, number)
