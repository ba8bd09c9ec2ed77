"""Cross entropy over the items, exact or sampled, never holding all targets x all items.

T targets, D query width, V vocabulary, S negatives. Item 0 is padding and stands in no softmax; rows of
`vectors` beyond V (the start symbol, where vectors are tied to the embedding) neither. The bias is a table
of width 1, so that its gradient can be sparse like the vectors'.
"""

from dataclasses import dataclass
from typing import Any, Self, assert_never

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hm_pipeline.data.arrays import Float64, Int64
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax


@dataclass(frozen=True, eq=False)
class Objective:
    """What a net is to minimise: built once from the configuration and the items' training counts."""

    config: LossConfig
    share: Float64  # (V,) chance of each item to be drawn as a negative; 0 for padding
    cumulative: Float64  # (V,)

    @classmethod
    def of(cls, config: LossConfig, counts: Int64) -> Self:
        """`counts` (V,) are the training counts."""
        alpha = config.alpha if isinstance(config, SampledSoftmax) else 0.0
        weight = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** alpha, 0.0)
        weight[0] = 0.0
        share = weight / weight.sum()
        return cls(config, share, np.cumsum(share))

    def __call__(
        self,
        queries_TD: Tensor,
        vectors_VD: Tensor,
        bias_V1: Tensor,
        targets_T: Tensor,
        seed: tuple[int, ...],
    ) -> Tensor:
        """The mean loss over the targets."""
        match self.config:
            case FullSoftmax(chunk_elements=size):
                return full_softmax(queries_TD, vectors_VD, bias_V1, targets_T, size)
            case SampledSoftmax(negatives=S):
                negatives_S = self._draw(S, seed).to(targets_T.device)
                return sampled_softmax(
                    queries_TD,
                    vectors_VD,
                    bias_V1,
                    targets_T,
                    negatives_S=negatives_S,
                    log_expected_S=self._log_expected(negatives_S),
                )
            case _:
                assert_never(self.config)

    def _draw(self, S: int, seed: tuple[int, ...]) -> Tensor:
        chance = np.random.default_rng((*seed, 1)).random(S) * self.cumulative[-1]
        return torch.from_numpy(np.searchsorted(self.cumulative, chance, side="right"))

    def _log_expected(self, negatives_S: Tensor) -> Tensor:
        """(S,) log of how often each is expected in the draw."""
        share = self.share[negatives_S.cpu().numpy()]
        return torch.from_numpy(np.log(len(share) * share)).to(negatives_S.device)


def full_softmax(
    queries_TD: Tensor,
    vectors_VD: Tensor,
    bias_V1: Tensor,
    targets_T: Tensor,
    chunk_elements: int = 4_000_000,
) -> Tensor:
    """Mean of -log softmax(queries @ vectors.T + bias)[target], `chunk_elements` logits at a time."""
    loss: Tensor = _FullSoftmax.apply(queries_TD, vectors_VD, bias_V1, targets_T, chunk_elements)  # type: ignore[no-untyped-call]
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
        targets_T: Tensor,
        chunk_elements: int,
    ) -> Tensor:
        V = len(bias_V1)
        items_VD, shift_V = vectors_VD[1:V], bias_V1[1:, 0]
        grad_queries, grad_vectors = torch.empty_like(queries_TD), torch.zeros_like(vectors_VD)
        grad_bias = torch.zeros_like(bias_V1)
        loss = queries_TD.new_zeros(())
        rows = max(1, chunk_elements // len(items_VD))
        buffer = queries_TD.new_empty((min(rows, len(queries_TD)), len(items_VD)))
        for at in range(0, len(queries_TD), rows):
            queries = queries_TD[at : at + rows]
            column = targets_T[at : at + rows, None] - 1
            logits = torch.addmm(shift_V, queries, items_VD.T, out=buffer[: len(queries)])
            log_share = torch.log_softmax(logits, dim=1, out=logits)
            loss -= log_share.gather(1, column).sum()
            wrong = log_share.exp_().scatter_add_(1, column, -torch.ones_like(column, dtype=logits.dtype))
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
        return *(grad.mul_(scale) for grad in ctx.saved_tensors), None, None


def sampled_softmax(
    queries_TD: Tensor,
    vectors_VD: Tensor,
    bias_V1: Tensor,
    targets_T: Tensor,
    *,
    negatives_S: Tensor,
    log_expected_S: Tensor,
) -> Tensor:
    """Mean of log(exp(s_y) + sum_j exp(s_j - log E_j)) - s_y over drawn j other than y.

    E_j is how often j is expected among the negatives, so that the sum estimates the full softmax's
    partition without bias (Bengio & Senécal 2008; the target itself is certain and not corrected).
    Gradients of vectors and bias are sparse: only rows that were drawn or are targets.
    """
    rows_R = torch.cat([targets_T, negatives_S])
    vectors_RD = functional.embedding(rows_R, vectors_VD, sparse=True)
    bias_R = functional.embedding(rows_R, bias_V1, sparse=True)[:, 0]
    T = len(targets_T)
    own_T = (queries_TD * vectors_RD[:T]).sum(1) + bias_R[:T]
    shift_S = bias_R[T:] - log_expected_S.to(queries_TD.dtype)
    others_TS = torch.addmm(shift_S, queries_TD, vectors_RD[T:].T)
    others_TS = others_TS.masked_fill(targets_T[:, None] == negatives_S, -torch.inf)
    everything_T = torch.logaddexp(own_T, torch.logsumexp(others_TS, dim=1))
    return (everything_T - own_T).mean()
