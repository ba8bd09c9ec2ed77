"""The gradient of all ranks' targets together, on every rank.

    dense gradients     DistributedDataParallel averages them while the backward pass still runs
    rows of tables      exchanged afterwards as indices and values: NCCL takes no sparse tensors

A rank's loss counts `batch.weight`, so that the average over ranks is the mean over all targets.
R rows, D width.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hm_pipeline.training.batches import Batch
from hm_pipeline.training.ranks import Ranks

Loss = Callable[[Batch], Tensor]


class Together:
    """A loss whose gradients, after `exchange`, are those of all ranks."""

    def __init__(self, net: nn.Module, loss: Loss, ranks: Ranks, first: Batch) -> None:
        """`first` is any batch: which gradients arrive sparse is looked at, not configured."""
        arrived = _arriving(net, loss, first)
        self.ranks = ranks
        self.tables = [p for p, grad in arrived if grad is not None and grad.is_sparse]
        dense = [p for p, grad in arrived if grad is not None and not grad.is_sparse]
        self.loss: Loss = DistributedDataParallel(_Learner(loss, dense)) if dense else loss

    def exchange(self) -> None:
        """Make the sparse gradients those of all ranks."""
        if not self.tables:
            return
        grads = [_sparse(table).coalesce() for table in self.tables]
        counts = torch.tensor([len(grad.values()) for grad in grads], device=grads[0].device)
        touched = torch.stack(self.ranks.gathered(counts)).T.tolist()
        for table, grad, rows in zip(self.tables, grads, touched, strict=True):
            table.grad = mean_of_rows(grad, rows, self.ranks)


def mean_of_rows(grad: Tensor, rows: list[int], ranks: Ranks) -> Tensor:
    """The mean of all ranks' coalesced sparse gradients, where rank i touched `rows[i]` rows.

    Every rank adds the same numbers in the same order, so that tables stay the same to the bit.
    """
    indices = _gathered(grad.indices()[0], rows, ranks)
    values = _gathered(grad.values(), rows, ranks) / ranks.size
    return torch.sparse_coo_tensor(indices[None], values, grad.shape).coalesce()


def _gathered(part: Tensor, rows: list[int], ranks: Ranks) -> Tensor:
    """All ranks' first dimensions one behind the other; they travel padded to the longest."""
    padded = part.new_zeros((max(rows), *part.shape[1:]))
    padded[: len(part)] = part
    return torch.cat([there[:n] for there, n in zip(ranks.gathered(padded), rows, strict=True)])


class _Learner(nn.Module):
    """The loss as a module of these parameters: all that DistributedDataParallel sees of the net."""

    def __init__(self, loss: Loss, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.loss, self.dense = loss, nn.ParameterList(parameters)

    def forward(self, batch: Batch) -> Tensor:
        """The mean loss over the batch."""
        return self.loss(batch)


def _arriving(net: nn.Module, loss: Loss, batch: Batch) -> list[tuple[nn.Parameter, Tensor | None]]:
    """Each parameter with the gradient that this batch gives it; none is left behind."""
    loss(batch).backward()  # type: ignore[no-untyped-call]
    arrived = [(p, p.grad) for p in net.parameters()]
    net.zero_grad(set_to_none=True)
    return arrived


def _sparse(table: nn.Parameter) -> Tensor:
    grad = table.grad
    assert grad is not None
    assert grad.is_sparse, "a gradient that arrived sparse at first arrives dense now"
    return grad
