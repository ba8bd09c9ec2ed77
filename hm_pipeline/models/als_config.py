"""The two forms of matrix factorisation: one set of factors, and how the nearest items are looked up."""

from typing import Literal

from pydantic import Field

from hm_pipeline.frozen import Frozen
from hm_pipeline.index.search import AnnoySearch, Exact, Metric, Search


class FactorsConfig(Frozen):
    """Implicit-feedback factors (Hu, Koren and Volinsky, 2008), confidence 1 + alpha * count."""

    factors: int = Field(128, ge=1)
    alpha: float = Field(10.0, gt=0)
    regularisation: float = Field(0.1, gt=0)  # folding in needs some
    iterations: int = Field(15, ge=1)
    fold_in: bool = True  # queries solved from the full history; false takes trained user factors
    seed: int = 0


class AlsConfig(FactorsConfig):
    """Any search; exact unless asked otherwise."""

    kind: Literal["als"] = "als"
    search: Search = Exact()


class AalsConfig(FactorsConfig):
    """The thesis's AnnoyAlternatingLeastSquares: the same factors, nearest items by Annoy."""

    kind: Literal["aals"] = "aals"
    metric: Metric = "euclidean"  # see hm_pipeline.index.annoy
    trees: int = Field(10, ge=1)
    recall_target: float = Field(0.9, gt=0, le=1)  # ann_recall_at_k that search_k is raised for
    max_search_k: int = Field(20_000, ge=1)  # and where raising it ends: a query's price grows with it
    recall_queries: int = Field(400, ge=2)  # histories the recall is measured on: half tune, half report

    @property
    def search(self) -> Search:
        """By Annoy, as these keys say."""
        return AnnoySearch(
            metric=self.metric,
            trees=self.trees,
            max_search_k=self.max_search_k,
            recall_target=self.recall_target,
            recall_queries=self.recall_queries,
            seed=self.seed,
        )
