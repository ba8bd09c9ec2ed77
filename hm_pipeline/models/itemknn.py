"""Sequence-aware item-kNN, and markov, its special case (docs/definitions.md).

N rows, V items, K places, U items that vote
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from hm_pipeline.data.arrays import Bool, Float64, Sparse
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.index import sparse_top_k
from hm_pipeline.index.sparse import CELLS_A_SCORE
from hm_pipeline.models.blocks import in_threads
from hm_pipeline.models.cooccurrence import Similarity, similarities, votes
from hm_pipeline.models.fitting import FitContext, FitReport, Fitted


class ItemKnnConfig(Frozen):
    """The latest items vote for what stood near them in the histories of others."""

    kind: Literal["itemknn"] = "itemknn"
    forward: float = Field(1.0, ge=0)  # C[i, j] += forward / d where i stands d places before j
    backward: float = Field(0.5, ge=0)  # C[j, i] += backward / d
    max_distance: int = Field(10, ge=1)  # d at most
    damping: float = Field(0.3, ge=0)  # C is divided by n_i^damping n_j^damping
    decay: float = Field(0.6, gt=0, le=1)  # an item votes with decay^age, age 0 the last
    max_history: int = Field(20, ge=1)  # items that vote
    max_neighbours: int | None = Field(500, ge=1)  # kept an item; null keeps all


class MarkovConfig(Frozen):
    """What followed the last item, at 1/d: itemknn that looks one item back and only forward."""

    kind: Literal["markov"] = "markov"
    max_distance: int = Field(10, ge=1)
    max_neighbours: int | None = Field(500, ge=1)

    def as_itemknn(self) -> ItemKnnConfig:
        """The case of itemknn that this is: transition weights as they are, undamped."""
        return ItemKnnConfig(
            backward=0,
            damping=0,
            max_history=1,
            max_distance=self.max_distance,
            max_neighbours=self.max_neighbours,
        )


@dataclass(frozen=True, eq=False)
class ItemKnn:
    """S (V, V), and how items vote. A vocabulary is in the order of popularity: ties at 0 are the fill."""

    similarity: Sparse
    max_history: int
    decay: float

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`; a score is the sum of the votes, 0 where popularity fills."""

        def answer(block: Histories) -> Recommendations:
            return sparse_top_k(self._voted(block), k, excluded=block.last, allowed=allowed)

        neighbours = int(np.diff(self.similarity.indptr).max(initial=1))
        most = min(self.max_history * neighbours, self.similarity.shape[0])
        return in_threads(histories, k, CELLS_A_SCORE * max(most, k), answer)

    def scores(self, histories: Histories) -> Float64:
        """(N, V) the sum of the votes for each item: a block of rows, not everybody's."""
        scores_NV: Float64 = self._voted(histories).toarray()
        return scores_NV

    def _voted(self, histories: Histories) -> Sparse:
        """(N, V) the sums above 0, in double precision, without making that of the whole similarity."""
        votes_NV = votes(histories, self.similarity.shape[0], self.max_history, self.decay)
        voters_U = np.unique(votes_NV.indices)
        return votes_NV[:, voters_U] @ self.similarity[voters_U]

    def save(self, folder: Path) -> None:
        """similarity.npz and votes.npy."""
        folder.mkdir(parents=True, exist_ok=True)
        sparse.save_npz(folder / "similarity.npz", self.similarity, compressed=False)
        np.save(folder / "votes.npy", np.array([self.max_history, self.decay]), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        max_history, decay = np.load(folder / "votes.npy", allow_pickle=False).tolist()
        return cls(sparse.load_npz(folder / "similarity.npz"), int(max_history), decay)


def fit_itemknn(config: ItemKnnConfig | MarkovConfig, samples: Samples, context: FitContext) -> Fitted:
    """Count who stands near whom; `neighbours` in the report is how many pairs were kept."""
    voting = config.as_itemknn() if isinstance(config, MarkovConfig) else config
    weighing = Similarity(
        voting.forward, voting.backward, voting.max_distance, voting.damping, voting.max_neighbours
    )
    similarity = similarities(
        samples.train, samples.counts, weighing, context.progress, f"train {config.kind}"
    )
    model = ItemKnn(similarity, voting.max_history, voting.decay)
    return Fitted(model, FitReport(facts={"neighbours": float(similarity.nnz)}))
