"""The same targets as slow samples: one a prefix, padded always, or packed by length."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from torch.nn import functional

from hm_pipeline.data.arrays import Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.windows import Windows

GOLDEN = (5**0.5 - 1) / 2
Cut = Literal["one_pass", "packed", "padded"]


@dataclass(frozen=True, eq=False)
class EvenPlan(BatchPlan):
    """The very batches of our plan, in an order in which any few neighbours cost what the mean batch does.

    A batch holds windows of one length, or nearly, so that some batches cost many times what others do, and
    a turn of a few seconds would measure which ones it met.
    """

    def epoch(self, epoch: int) -> list[Int64]:
        """From short to long, visited by the golden ratio."""
        batches = sorted(super().epoch(epoch), key=lambda chosen: int(self.windows.length[chosen].max()))
        visited = np.arange(len(batches)) * GOLDEN % 1.0
        return [batches[i] for i in np.argsort(np.argsort(visited))]


@dataclass(frozen=True, eq=False)
class PaddedPlan(BatchPlan):
    """Prefixes in any order, each padded to the start symbol and `max_history` items."""

    width: int = field(kw_only=True)

    def epoch(self, epoch: int) -> list[Int64]:
        """Exactly `batch_targets` prefixes a batch."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.windows))
        return np.split(order, np.arange(self.batch_targets, len(order), self.batch_targets))

    def gather(self, chosen: Int64, epoch: int, number: int) -> Batch:
        """The batch, as wide as any batch can be."""
        batch = super().gather(chosen, epoch, number)
        width = batch.items.shape[1]
        items = functional.pad(batch.items, (0, self.width - width))
        return replace(batch, items=items, at=batch.at // width * self.width + batch.at % width)


def recut(plan: BatchPlan, cut: Cut, histories: Histories, max_history: int) -> BatchPlan:
    """`plan` with its targets cut as asked.

    Packed prefixes go through our own plan, which sorts the windows of 32 batches by length: a batch
    holds prefixes of one length, two at most, and hardly anything is padded.
    """
    match cut:
        case "one_pass":
            return EvenPlan(**_values(plan))
        case "packed":
            return EvenPlan(**_values(replace(plan, windows=Windows.by_prefix(histories, max_history))))
        case "padded":
            prefixes = replace(plan, windows=Windows.by_prefix(histories, max_history))
            return PaddedPlan(**_values(prefixes), width=max_history + 1)


def _values(plan: BatchPlan) -> dict[str, Any]:
    return {f.name: getattr(plan, f.name) for f in fields(plan)}


def spread(plan: BatchPlan, stride: int) -> BatchPlan:
    """The same users, `stride` rows of the table apart."""
    return replace(plan, windows=replace(plan.windows, users=plan.windows.users * np.int32(stride)))
