"""ALS with exact top-K.

N rows, V items, K places
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.index import top_k
from hm_pipeline.models.als_config import AlsConfig
from hm_pipeline.models.blocks import in_blocks
from hm_pipeline.models.factors import Factors, trained_factors
from hm_pipeline.models.fitting import FitContext, FitReport, Fitted


@dataclass(frozen=True, eq=False)
class Als:
    """Scores are inner products. An empty history scores 0 everywhere: ties, which are popularity's order."""

    factors: Factors

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`."""

        def answer(block: Histories) -> Recommendations:
            scores = self.factors.queries(block) @ self.factors.items.T
            return top_k(scores, k, excluded=block.last, allowed=allowed)

        return in_blocks(histories, k, len(self.factors.items), answer)

    def save(self, folder: Path) -> None:
        """The factors."""
        self.factors.save(folder)

    @classmethod
    def load(cls, folder: Path, config: AlsConfig) -> Self:
        """What `save` wrote."""
        return cls(Factors.load(folder, config))


def fit_als(config: AlsConfig, samples: Samples, context: FitContext) -> Fitted:
    """Factorise the training counts; `parameters` in the report are the item and user factors."""
    factors = trained_factors(config, samples, context.progress, "train als")
    return Fitted(Als(factors), FitReport(facts={"parameters": parameters(factors)}))


def parameters(factors: Factors) -> float:
    """How many numbers were learned and kept."""
    return float(factors.items[1:].size + (0 if factors.user_rows is None else factors.user_rows.size))
