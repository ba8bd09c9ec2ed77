"""Cross entropy over the items, exact or sampled, never holding all targets x all items.

A position has one target, or several with weights that add up to 1: the items that follow, the d-th with a
share that falls as 1/d (as in the dense all-action loss of Pancha et al. 2022, for the whole window).

T positions, H targets of each, D query width, V vocabulary, S negatives, R rows. Item 0 is padding and
stands in no softmax; rows of the vectors beyond V (the start symbol, where vectors are tied to the embedding)
neither. The bias is a table of width 1, so that its gradient can be sparse like the vectors'.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self, assert_never

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hm_pipeline.data.arrays import Float64, Int64
from hm_pipeline.training.config import CPU_CHUNK, FullSoftmax, SampledSoftmax

ALIGNED = 16  # floats: rows of logits begin at multiples of it, or the products take a fifth longer


class Scored(Protocol):
    """What queries are multiplied with."""

    @property
    def vectors(self) -> Tensor:
        """vectors_VD, or more rows."""
        ...

    @property
    def item_bias(self) -> Tensor:
        """(V, 1)."""
        ...

    def vectors_of(self, rows_R: Tensor) -> Tensor:
        """vectors_RD of these items, whose gradient touches no other row of the table."""
        ...


@dataclass(frozen=True, eq=False)
class Objective:
    """What a net is to minimise: built once from the configuration and the items' training counts."""

    config: FullSoftmax | SampledSoftmax
    share: Float64  # (V,) chance of each item to be drawn as a negative; 0 for padding
    cumulative: Float64  # (V,)

    @classmethod
    def of(cls, config: FullSoftmax | SampledSoftmax, counts: Int64) -> Self:
        """`counts` (V,) are the training counts."""
        alpha = config.alpha if isinstance(config, SampledSoftmax) else 0.0
        weight = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** alpha, 0.0)
        weight[0] = 0.0
        share = weight / weight.sum()
        return cls(config, share, np.cumsum(share))

    def __call__(
        self, queries_TD: Tensor, items: Scored, targets_TH: Tensor, seed: tuple[int, ...]
    ) -> Tensor:
        """The mean loss over the positions; 0 among targets_TH is no target, but never the first."""
        match self.config:
            case FullSoftmax(chunk_elements=size, label_smoothing=smoothing):
                return full_softmax(
                    queries_TD, items.vectors, items.item_bias, targets_TH, size or CPU_CHUNK, smoothing
                )
            case SampledSoftmax(negatives=S, label_smoothing=smoothing):
                negatives_S, log_expected_S = self._draw(S, seed)
                return sampled_softmax(
                    queries_TD,
                    items,
                    targets_TH,
                    negatives_S=negatives_S.to(targets_TH.device),
                    log_expected_S=log_expected_S.to(targets_TH.device),
                    label_smoothing=smoothing,
                )
            case _:
                assert_never(self.config)

    def _draw(self, S: int, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """(S,) negatives, and (S,) the log of how often each is expected among them."""
        chance = np.random.default_rng((*seed, 1)).random(S) * self.cumulative[-1]
        negatives_S = np.searchsorted(self.cumulative, chance, side="right")
        log_expected_S = np.log(S * self.share[negatives_S])
        return torch.from_numpy(negatives_S), torch.from_numpy(log_expected_S)


def weights_of(targets_TH: Tensor) -> Tensor:
    """weights_TH: the d-th target's falls as 1/d, 0 where there is none, 1 in all."""
    falling_H = 1 / torch.arange(1, targets_TH.shape[1] + 1, device=targets_TH.device)
    weights_TH = (targets_TH > 0) * falling_H
    return weights_TH / weights_TH.sum(1, keepdim=True)


def full_softmax(
    queries_TD: Tensor,
    vectors_VD: Tensor,
    bias_V1: Tensor,
    targets_TH: Tensor,
    chunk_elements: int = CPU_CHUNK,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean of -log softmax(queries @ vectors.T + bias)[targets], `chunk_elements` logits at a time.

    With smoothing e the target counts 1 - e and each of the V - 1 items e / (V - 1) (Szegedy et al. 2016).
    """
    loss: Tensor = _FullSoftmax.apply(  # type: ignore[no-untyped-call]
        queries_TD, vectors_VD, bias_V1, targets_TH, chunk_elements, label_smoothing
    )
    return loss


class _FullSoftmax(torch.autograd.Function):
    """Loss and gradients in one go: a mean's gradient needs nothing that comes later, so that each
    chunk of logits is turned into its gradients while it is still in the cache, and forgotten."""

    @staticmethod
    def forward(
        ctx: Any,
        queries_TD: Tensor,
        vectors_VD: Tensor,
        bias_V1: Tensor,
        targets_TH: Tensor,
        chunk_elements: int,
        label_smoothing: float,
    ) -> Tensor:
        V = len(bias_V1)
        items_VD, shift_V = vectors_VD[1:V], bias_V1[1:, 0]
        grad_queries, grad_vectors = torch.empty_like(queries_TD), torch.zeros_like(vectors_VD)
        grad_bias = torch.zeros_like(bias_V1)
        weights_TH = (1 - label_smoothing) * weights_of(targets_TH).to(queries_TD.dtype)
        loss = queries_TD.new_zeros(())
        rows = max(1, chunk_elements // len(items_VD))
        width = -(-len(items_VD) // ALIGNED) * ALIGNED
        room = queries_TD.new_empty((min(rows, len(queries_TD)), width))
        for at in range(0, len(queries_TD), rows):
            queries = queries_TD[at : at + rows]
            columns, weights = (targets_TH[at : at + rows] - 1).clamp(min=0), weights_TH[at : at + rows]
            logits = room[: len(queries)]
            logits[:, len(items_VD) :] = -torch.inf
            torch.addmm(shift_V, queries, items_VD.T, out=logits[:, : len(items_VD)])
            log_share = torch.log_softmax(logits, dim=1, out=logits)
            loss -= (weights * log_share.gather(1, columns)).sum()
            if label_smoothing:
                loss -= label_smoothing * log_share[:, : len(items_VD)].mean(1).sum()
            wrong = log_share.exp_().scatter_add_(1, columns, -weights)[:, : len(items_VD)]
            if label_smoothing:
                wrong -= label_smoothing / len(items_VD)
            torch.mm(wrong, items_VD, out=grad_queries[at : at + rows])
            grad_vectors[1:V].addmm_(wrong.T, queries)
            grad_bias[1:, 0] += wrong.sum(0)
        ctx.save_for_backward(grad_queries, grad_vectors, grad_bias)
        ctx.targets = len(queries_TD)
        return loss / len(queries_TD)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """The chain rule's last factor."""
        scale = grads[0] / ctx.targets
        return *(grad.mul_(scale) for grad in ctx.saved_tensors), None, None, None


def sampled_softmax(
    queries_TD: Tensor,
    items: Scored,
    targets_TH: Tensor,
    *,
    negatives_S: Tensor,
    log_expected_S: Tensor,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean of log(exp(s_y) + sum_j exp(s_j - log E_j)) - s_y over drawn j that are no target of the position.

    E_j is how often j is expected among the negatives, so that with one target a position the sum estimates
    the full softmax's partition without bias (Bengio & Senécal 2008; the target itself is certain and not
    corrected). With several, H > 1, each stands against the rest without the others, which the full softmax
    has in its partition: another objective, under which the targets of a position do not compete.
    With smoothing e, s_y counts 1 - e and the mean score of the negatives e. Gradients of vectors and bias
    are sparse: only rows that were drawn or are targets.
    """
    T, H = targets_TH.shape
    rows_R = torch.cat([targets_TH.flatten(), negatives_S])
    vectors_RD = items.vectors_of(rows_R)
    bias_R = functional.embedding(rows_R, items.item_bias, sparse=True)[:, 0]
    own_TH = torch.einsum("td,thd->th", queries_TD, vectors_RD[: T * H].view(T, H, -1))
    own_TH = own_TH + bias_R[: T * H].view(T, H)
    log_expected_S = log_expected_S.to(queries_TD.dtype)
    others_TS = torch.addmm(bias_R[T * H :] - log_expected_S, queries_TD, vectors_RD[T * H :].T)
    for targets_T in targets_TH.unbind(1):
        others_TS = others_TS.masked_fill(targets_T[:, None] == negatives_S, -torch.inf)
    everything_TH = torch.logaddexp(own_TH, torch.logsumexp(others_TS, dim=1, keepdim=True))
    weights_TH = weights_of(targets_TH).to(queries_TD.dtype)
    loss: Tensor = (weights_TH * (everything_TH - own_TH)).sum() / T
    if label_smoothing:
        drawn = queries_TD @ vectors_RD[T * H :].mean(0) + bias_R[T * H :].mean()
        loss = loss + label_smoothing * ((weights_TH * own_TH).sum(1) - drawn).mean()
    return loss
