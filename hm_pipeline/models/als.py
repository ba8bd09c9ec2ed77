"""ALS: `als` by any search, and `aals`, the thesis's AnnoyAlternatingLeastSquares, by Annoy.

N rows, V items, K places
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.index.nearest import Nearest
from hm_pipeline.index.search import Exact, Search
from hm_pipeline.index.tuning import built
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blocks import in_blocks
from hm_pipeline.models.examples import examples
from hm_pipeline.models.factors import Factors, trained_factors
from hm_pipeline.models.fitting import FitContext, FitReport, Fitted


@dataclass(frozen=True, eq=False)
class Als:
    """Scores are inner products. An empty history scores 0 everywhere: ties, which are popularity's order."""

    factors: Factors
    index: Nearest

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`."""

        def answer(block: Histories) -> Recommendations:
            return self.index.best(self.factors.queries(block), k, block.last, allowed=allowed)

        return in_blocks(histories, k, self.factors.items.shape[1], answer)

    def save(self, folder: Path) -> None:
        """The factors, and what the index has besides."""
        self.factors.save(folder)
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, config: AlsConfig | AalsConfig) -> Self:
        """What `save` wrote."""
        factors = Factors.load(folder, config)
        return cls(factors, Nearest.load(folder, factors.items))


def fit_als(config: AlsConfig | AalsConfig, samples: Samples, context: FitContext) -> Fitted:
    """Factorise the training counts, then index; `parameters` in the report are the item and user factors."""
    factors = trained_factors(config, samples, context.progress, f"train {config.kind}")
    index, facts = _index(config.search, factors, samples, context.k)
    return Fitted(Als(factors, index), FitReport(facts={"parameters": _parameters(factors)} | facts))


def _index(search: Search, factors: Factors, samples: Samples, k: int) -> tuple[Nearest, dict[str, float]]:
    if isinstance(search, Exact):
        return Nearest("exact", factors.items), {}
    asked = examples(samples, search.recall_queries)
    return built(search, factors.items, factors.queries(asked), asked.last, k)


def _parameters(factors: Factors) -> float:
    """How many numbers were learned and kept."""
    return float(factors.items[1:].size + (0 if factors.user_rows is None else factors.user_rows.size))
