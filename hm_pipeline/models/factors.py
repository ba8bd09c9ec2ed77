"""Alternating least squares: the factors that `als` and `aals` share.

U users, V items, D factors, N rows
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from hm_pipeline.data.arrays import Float32, Sparse
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.als_config import FactorsConfig
from hm_pipeline.models.fold_in import FoldIn
from hm_pipeline.progress import Progress, Step


@dataclass(frozen=True, eq=False)
class Factors:
    """Item vectors, and the query of a history.

    With `user_rows` a user's query is the trained row; whoever has none (unknown, or zeroed because he
    was erased) is folded in. Without, everybody is.
    """

    items: Float32  # (V, D), row 0 zero
    user_rows: Float32 | None  # (U, D), row u - 1 for user index u
    alpha: float
    regularisation: float

    @cached_property
    def _fold_in(self) -> FoldIn:
        return FoldIn(self.items, self.alpha, self.regularisation)

    def queries(self, histories: Histories) -> Float32:
        """(N, D); the zero vector where nothing is known of a row."""
        if self.user_rows is None or not len(self.user_rows):
            return self._fold_in.queries(histories)
        queries: Float32 = self.user_rows[np.maximum(histories.users, 1) - 1]
        strangers = (histories.users == 0) | ~queries.any(axis=1)
        queries[strangers] = self._fold_in.queries(histories.take(strangers))
        return queries

    def save(self, folder: Path) -> None:
        """item_factors.npy, and user_rows.npy where there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "item_factors.npy", self.items, allow_pickle=False)
        if self.user_rows is not None:
            np.save(folder / "user_rows.npy", self.user_rows, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, config: FactorsConfig) -> Self:
        """What `save` wrote."""
        items = np.load(folder / "item_factors.npy", allow_pickle=False)
        users = folder / "user_rows.npy"
        rows = np.load(users, allow_pickle=False) if users.exists() else None
        return cls(items, rows, config.alpha, config.regularisation)


def trained_factors(config: FactorsConfig, samples: Samples, progress: Progress, stage: str) -> Factors:
    """The factors of the training split, the same bytes for the same seed.

    `implicit` takes the stored values as confidences and starts from random_state; BLAS is held to one
    thread, which it asks for itself (its own threads each solve whole rows, and change nothing).
    """
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415  half a second to import

    def tell(iteration: int, seconds: float, loss: float | None) -> None:
        progress(Step(stage, iteration + 1, config.iterations))

    with threadpool_limits(1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularisation,
            alpha=1.0,
            iterations=config.iterations,
            random_state=config.seed,
        )
        model.fit(confidences(config.alpha, samples), show_progress=False, callback=tell)
    items = np.concatenate([np.zeros((1, config.factors), np.float32), model.item_factors])
    users = None if config.fold_in else model.user_factors
    return Factors(items, users, config.alpha, config.regularisation)


def confidences(alpha: float, samples: Samples) -> Sparse:
    """(U, V - 1) confidences 1 + alpha * count; column v - 1 is item v."""
    rows, items = samples.train.interactions()
    shape = (len(samples.users) - 1, len(samples.items) - 1)
    ones = np.ones(len(rows), dtype=np.float32)
    counts = sparse.coo_matrix((ones, (rows, items - 1)), shape=shape).tocsr()
    counts.data = 1 + np.float32(alpha) * counts.data
    return counts
