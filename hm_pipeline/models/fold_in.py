"""A user's vector from a history: the user's step of ALS, solved exactly.

With Y the item factors, Y_u the rows of the user's distinct items, w = alpha * count and c = 1 + w, the
user's vector is the x that solves (Hu, Koren and Volinsky, 2008, equation 4)

    (Y'Y + regularisation I + Y_u' W Y_u) x = Y_u' c

B rows of a block, L distinct items a row (padded), D factors, V items
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hm_pipeline.data.arrays import Float32, Float64, Int32
from hm_pipeline.data.histories import Histories
from hm_pipeline.index.threads import over_blocks

BLOCK_CELLS = 4_000_000  # cells of the widest array of a block: 32 MB in double precision


@dataclass(frozen=True, eq=False)
class FoldIn:
    """Solves for queries; Y'Y and its inverse are worked out once."""

    item_factors: Float32  # (V, D), row 0 zero
    alpha: float
    regularisation: float

    @cached_property
    def _y(self) -> Float64:
        return self.item_factors.astype(np.float64)

    @cached_property
    def _gram(self) -> Float64:
        """(D, D) Y'Y + regularisation I."""
        gram: Float64 = self._y.T @ self._y + self.regularisation * np.eye(self._y.shape[1])
        return gram

    @cached_property
    def _z(self) -> Float64:
        """(V, D) Y (Y'Y + regularisation I)^-1."""
        solved = np.linalg.solve(self._gram, self._y.T).T
        return solved.astype(np.float64)

    def queries(self, histories: Histories) -> Float32:
        """(N, D); an empty history has the zero vector."""
        rows, items, counts = _distinct(histories, len(self.item_factors))
        lengths = np.bincount(rows, minlength=len(histories))
        starts = np.cumsum(lengths) - lengths
        found = np.zeros((len(histories), self.item_factors.shape[1]), dtype=np.float32)
        blocks = list(_blocks(lengths, self.item_factors.shape[1]))

        def solve(some: slice) -> None:
            for block in blocks[some]:
                at = starts[block, None] + np.arange(lengths[block].max())
                real = np.arange(at.shape[1]) < lengths[block, None]
                at = np.where(real, at, 0)
                found[block] = self._solved(
                    np.where(real, items[at], 0), np.where(real, self.alpha * counts[at], 0.0), real
                )

        _ = self._z  # worked out before the threads ask for it
        over_blocks(len(blocks), 1, solve)
        return found

    def _solved(self, items_BL: Int32, w_BL: Float64, real_BL: np.ndarray) -> Float64:
        c_BL = np.where(real_BL, 1 + w_BL, 0.0)
        long = items_BL.shape[1] > self._y.shape[1]
        return self._direct(items_BL, w_BL, c_BL) if long else self._dual(items_BL, w_BL, c_BL)

    def _direct(self, items_BL: Int32, w_BL: Float64, c_BL: Float64) -> Float64:
        """(B, D) by a D x D system a row: for long histories."""
        y_BLD = self._y[items_BL]
        weighted_BDL = (y_BLD * w_BL[:, :, None]).transpose(0, 2, 1)
        right_BD = np.matmul(c_BL[:, None, :], y_BLD)[:, 0]
        solved: Float64 = np.linalg.solve(self._gram + weighted_BDL @ y_BLD, right_BD[:, :, None])
        return solved[:, :, 0]

    def _dual(self, items_BL: Int32, w_BL: Float64, c_BL: Float64) -> Float64:
        """(B, D) by an L x L system a row, which is the same x (Woodbury's identity): for short histories.

        x = Z_u' (I + W Y_u Z_u')^-1 c
        """
        y_BLD, z_BLD = self._y[items_BL], self._z[items_BL]
        within_BLL = w_BL[:, :, None] * (y_BLD @ z_BLD.transpose(0, 2, 1))
        shares_BL = np.linalg.solve(within_BLL + np.eye(items_BL.shape[1]), c_BL[:, :, None])[:, :, 0]
        found: Float64 = np.matmul(shares_BL[:, None, :], z_BLD)
        return found[:, 0]


def _distinct(histories: Histories, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, items, counts) of each row's distinct items, by row and item."""
    rows, items = histories.interactions()
    keys, counts = np.unique(rows * size + items, return_counts=True)
    return keys // size, keys % size, counts


def _blocks(lengths: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Rows that are not empty, of like length (within a factor of two), few enough for BLOCK_CELLS."""
    rows = np.flatnonzero(lengths)
    longest = 2 ** np.ceil(np.log2(lengths[rows])).astype(np.int64)
    for padded in np.unique(longest).tolist():
        alike = rows[longest == padded]
        fit = max(1, BLOCK_CELLS // (2 * padded * width + width * width))
        yield from (alike[at : at + fit] for at in range(0, len(alike), fit))
