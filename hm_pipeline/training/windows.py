"""One pass, many targets: histories cut into windows, every position of which is a training target.

    history          a b c d e f g h i          max_history 4, ^ the start symbol
    window 1       ^ a b c d                    predicts a b c d e   (fresh: the start symbol is in it)
    window 2               d e f g              predicts     f g h   (e is context only)
    window 3                     g h            predicts         i   (h is context only)

Each target is counted once and sees between min(t-1, max_history/2) and max_history items. Read both ways,
the same histories are cut once more from their ends, after a start symbol of their own. By prefix each target
has a window of its own with exactly the `max_history` items before it.
W windows.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories


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
