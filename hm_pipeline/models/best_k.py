"""The best K items of each query, chosen while the scores are warm: `index.top_k` at about a product's cost.

What `index.shelf` does with numpy, for nets, which may lie on a GPU; on a CPU the two choose equally fast.

    queries_NQ ─ @ vectors of a panel + bias ─▶ scores_NW ─ maxima of parts ─▶ the K best parts ─▶ K columns
                                                  ▲ the same room for every panel and every block

N queries, Q width of a query, V vocabulary, A items that may be recommended, W columns of a panel,
P parts, K list. A column is a place among the A; column 0 is the padding's and is never chosen.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.errors import ModelError

BLOCK_SCORES = 32_000_000  # scores held at once; 128 MB
BLOCK_ROWS = 1024  # more make the product no faster
PANEL = 65_536  # columns scored at once; a wider catalogue would leave too few rows to a block
PART = 32  # columns whose maximum speaks for them
TORN_ROWS = 64  # chosen slowly at once: they are copied, and counted in whole numbers


@dataclass(frozen=True, eq=False)
class Shelf:
    """The items that may be recommended, ready to be scored block after block."""

    vectors: Tensor  # (A, Q)
    bias: Tensor  # (A,)
    items: Int64  # (A,) the vocabulary index of each column
    columns: Int64  # (V,) the column of each item, 0 where it may not be recommended
    room: Tensor  # where scores are written, one block over the other

    @classmethod
    def of(cls, vectors_VQ: Tensor, bias_V: Tensor, allowed: Bool | None, rows: int) -> Self:
        """All items, or those of `allowed` (V,), for blocks of `rows` at most; nothing is copied for all."""
        items, columns = np.arange(len(bias_V)), np.zeros(len(bias_V), dtype=np.int64)
        if allowed is not None:
            items = items[allowed | (items == 0)]
            chosen = torch.from_numpy(items).to(bias_V.device)
            vectors_VQ, bias_V = vectors_VQ.index_select(0, chosen), bias_V.index_select(0, chosen)
        columns[items] = np.arange(len(items))
        cells = min(rows, rows_of(len(items))) * _whole_parts(min(len(items), PANEL))
        return cls(vectors_VQ, bias_V, items, columns, bias_V.new_empty(cells))

    def best(self, queries_NQ: Tensor, k: int, excluded: Int32) -> Recommendations:
        """`index.top_k` of the scores; `excluded` (N,) is one more item to leave out a row, 0 for none.

        Raises ModelError where a score is NaN.
        """
        out = torch.from_numpy(self.columns[excluded]).to(self.room.device)
        found = [self._best_of(panel, queries_NQ, k, out) for panel in self._panels()]
        values, order = torch.cat([v for v, _ in found], 1).sort(dim=1, descending=True, stable=True)
        columns = torch.cat([c for _, c in found], 1).gather(1, order)
        scores = np.full((len(values), k), -np.inf, dtype=np.float32)
        scores[:, : values.shape[1]] = values[:, :k].cpu().numpy()
        items = np.full((len(values), k), -1, dtype=np.int32)
        items[:, : values.shape[1]] = self.items.take(columns[:, :k].cpu().numpy(), mode="clip")
        return Recommendations(np.where(np.isneginf(scores), np.int32(-1), items), scores)

    def _panels(self) -> Iterator[slice]:
        """The columns in ranges of about one size, so that a tie is always won by an earlier range."""
        width = math.ceil(len(self.items) / math.ceil(len(self.items) / PANEL))
        return (slice(at, at + width) for at in range(0, len(self.items), width))

    def _best_of(self, panel: slice, queries_NQ: Tensor, k: int, out_N: Tensor) -> tuple[Tensor, Tensor]:
        """(values, columns), both (N, K): the best of one panel."""
        values, columns = best_columns(self._scores(panel, queries_NQ, out_N), k)
        return values, columns + panel.start

    def _scores(self, panel: slice, queries_NQ: Tensor, out_N: Tensor) -> Tensor:
        """scores_NW, filled up to whole parts; -inf where nothing may be recommended."""
        vectors, bias = self.vectors[panel], self.bias[panel]
        wide = _whole_parts(len(bias))
        scores = self.room[: len(queries_NQ) * wide].view(len(queries_NQ), wide)
        torch.addmm(bias, queries_NQ, vectors.T, out=scores[:, : len(bias)])
        scores[:, len(bias) :] = -torch.inf
        within = (out_N >= panel.start) & (out_N < panel.start + len(bias))
        scores[within, out_N[within] - panel.start] = -torch.inf
        if panel.start == 0:
            scores[:, 0] = -torch.inf
        return scores


def rows_of(size: int) -> int:
    """How many queries make a block of a catalogue of `size` items."""
    return max(1, min(BLOCK_ROWS, BLOCK_SCORES // _whole_parts(min(size, PANEL))))


def best_columns(scores_NW: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(values, columns), both (N, min(K, W)): the best first, ties to the lower column.

    The k best lie in the k parts with the best maxima, so only those are looked at closely. Where the
    border runs through a tie the row is chosen once more, slowly.
    """
    k = min(k, scores_NW.shape[1])
    columns, torn = _by_parts(scores_NW, k)
    _refuse_nan(scores_NW.gather(1, columns))
    for rows in torch.split(torn.nonzero()[:, 0], TORN_ROWS):
        columns[rows] = _through_ties(scores_NW[rows], k)
    values, order = scores_NW.gather(1, columns).sort(dim=1, descending=True, stable=True)
    return values, columns.gather(1, order)


def _by_parts(scores_NW: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """As `_largest`, which looks at all columns, from few of them."""
    n, w = scores_NW.shape
    if w % PART or w // PART <= k:
        return _largest(scores_NW, k)
    parts_NP = scores_NW.view(n, -1, PART)
    parts, torn = _largest(parts_NP.amax(2), k)
    rows = torch.arange(n, device=parts.device)[:, None] * parts_NP.shape[1]
    near = embedding(rows + parts, parts_NP.flatten(0, 1)).view(n, -1)
    columns, torn_too = _largest(near, k)
    return parts.gather(1, columns // PART) * PART + columns % PART, torn | torn_too


def _largest(scores_NW: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(N, k) columns of the k largest, ascending; (N,) whether the next one equals the least of them."""
    n, w = scores_NW.shape
    values, columns = scores_NW.topk(min(k + 1, w), dim=1)
    torn = torch.zeros(n, dtype=torch.bool, device=values.device)
    if w > k:
        torn = (values[:, k] == values[:, k - 1]) & (values[:, k] > -torch.inf)
    return columns[:, :k].sort(dim=1).values, torn


def _through_ties(scores_NW: Tensor, k: int) -> Tensor:
    """(N, k) columns of the k largest, ascending: all above the border, then the first that equal it."""
    border = scores_NW.topk(k, dim=1).values[:, -1:]
    above, tied = scores_NW > border, scores_NW == border
    wanted = k - above.sum(1, keepdim=True)
    chosen = above | (tied & (tied.cumsum(1, dtype=torch.int32) <= wanted))
    return chosen.nonzero()[:, 1].view(-1, k)


def _refuse_nan(values_NK: Tensor) -> None:
    """NaN counts as the largest, so that it is among the best wherever there is one."""
    wrong = values_NK.isnan().any(1)
    if wrong.any():
        raise ModelError(
            f"{int(wrong.sum())} of {len(wrong)} rows of a block have a score that is NaN: the net's numbers "
            "hold NaN; fit it again, with a smaller learning rate"
        )


def _whole_parts(columns: int) -> int:
    """Columns, filled up to whole parts."""
    return math.ceil(columns / PART) * PART
