"""One pass, many targets: histories cut into windows, windows drawn until a batch is full.

    history          a b c d e f g h i          max_history 4, ^ the start symbol
    window 1       ^ a b c d                    predicts a b c d e   (fresh: the start symbol is in it)
    window 2               d e f g              predicts     f g h   (e is context only)
    window 3                     g h            predicts         i   (h is context only)

Each target is counted once and sees between min(t-1, max_history/2) and max_history items. Read both ways,
the same histories are cut once more from their ends, after a start symbol of their own.
W windows, B windows of a batch, L length, T counted targets.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.errors import EmptyWindowError

BATCHES_SORTED_TOGETHER = 32  # windows of so many batches are sorted by length: little padding, still mixed


@dataclass(frozen=True, eq=False)
class Windows:
    """Position p of a window reads `flat[origin + step p]` and predicts `flat[origin + step (p + 1)]`.

    Where `fresh`, position 0 reads the start symbol instead. Positions below `context` are not counted.
    """

    flat: Int32
    origin: Int64  # (W,) one before the first or after the last is possible: the start symbol's place
    step: Int64  # (W,) 1, or -1 where a history is read from its end
    length: Int64  # (W,) positions
    context: Int64  # (W,)
    fresh: Bool  # (W,)
    users: Int32  # (W,)

    def __len__(self) -> int:
        """W."""
        return len(self.origin)

    @cached_property
    def targets(self) -> Int64:
        """(W,) counted targets."""
        return self.length - self.context

    @classmethod
    def one_pass(cls, histories: Histories, max_history: int) -> Self:
        """The overlapping windows pictured above."""
        least = (max_history + 1) // 2  # items the first counted target of a later window sees
        stride = max_history - least + 1
        later = np.maximum(-((histories.lengths - max_history - 1) // -stride), 0)
        per_row = np.where(histories.lengths > 0, 1 + later, 0)
        row = np.repeat(np.arange(len(histories)), per_row)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
        counted_from = np.where(nth == 0, 0, max_history + 1 + (nth - 1) * stride)
        begin = np.maximum(counted_from - least, 0)
        end = np.minimum(max_history + 1 + nth * stride, histories.lengths[row])
        return cls._cut(histories, row, begin, end, counted_from)

    @classmethod
    def both_ways(cls, histories: Histories, max_history: int) -> Self:
        """Those of `one_pass`, and those of the reversed histories: twice the targets."""
        there = cls.one_pass(histories, max_history)
        size = len(histories.flat)
        reversed_ = replace(histories, starts=size - histories.ends, ends=size - histories.starts)
        back = cls.one_pass(reversed_, max_history)
        return cls(
            flat=there.flat,
            origin=np.concatenate([there.origin, size - 1 - back.origin]),
            step=np.concatenate([there.step, -back.step]),
            length=np.concatenate([there.length, back.length]),
            context=np.concatenate([there.context, back.context]),
            fresh=np.concatenate([there.fresh, back.fresh]),
            users=np.concatenate([there.users, back.users]),
        )

    @classmethod
    def by_prefix(cls, histories: Histories, max_history: int) -> Self:
        """One window a target with exactly its past: the definition of a sample, slow and obvious."""
        row, _ = histories.interactions()
        t = np.arange(len(row)) - np.repeat(
            np.cumsum(histories.lengths) - histories.lengths, histories.lengths
        )
        return cls._cut(histories, row, np.maximum(t - max_history, 0), t + 1, t)

    @classmethod
    def _cut(cls, histories: Histories, row: Int64, begin: Int64, end: Int64, counted_from: Int64) -> Self:
        """Windows over items begin..end of their rows, counting targets from `counted_from`."""
        fresh = begin == 0
        first = begin - fresh
        return cls(
            flat=histories.flat,
            origin=histories.starts[row] + first,
            step=np.ones(len(row), dtype=np.int64),
            length=end - first - 1,
            context=counted_from - first - 1,
            fresh=fresh,
            users=histories.users[row],
        )


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
