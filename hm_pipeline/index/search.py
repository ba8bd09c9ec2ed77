"""How the nearest items are looked up, as configuration; nothing here needs Annoy or faiss.

Exact                          every item is scored
Measured ─┬─ AnnoySearch       trees, as in the thesis
          ├─ FaissSearch       every item by 4-bit codes, which are a tenth of its vector
          └─ AutoSearch        the cheapest of the three that meets the target
"""

from typing import Annotated, Literal

from pydantic import Field

from hm_pipeline.frozen import Frozen

Kind = Literal["exact", "annoy", "faiss"]  # what a search becomes
Metric = Literal["dot", "angular", "euclidean"]


class Exact(Frozen):
    """All items are scored."""

    kind: Literal["exact"] = "exact"


class Measured(Frozen):
    """Some items are proposed, and inner products order them: what is not proposed is missed.

    The search is widened until `recall_target` of the exact lists is found.
    """

    recall_target: float = Field(0.98, gt=0, le=1)
    recall_queries: int = Field(2000, ge=2)  # histories the recall is measured on: half tune, half report
    seed: int = 0


class AnnoySearch(Measured):
    """Annoy's trees. Vectors of matrix factorisation are hard for them (benchmarks/README.md)."""

    kind: Literal["annoy"] = "annoy"
    metric: Metric = "euclidean"  # see hm_pipeline.index.annoy
    trees: int = Field(10, ge=1)
    max_search_k: int = Field(20_000, ge=1)  # where widening ends: a query's price grows with it


class FaissSearch(Measured):
    """Three codes of 4 bits for every four numbers of a vector, all scanned (hm_pipeline.index.codes)."""

    kind: Literal["faiss"] = "faiss"


class AutoSearch(Measured):
    """The cheapest of exact, faiss and Annoy that meets the target, by reckoned cost: never by a clock."""

    kind: Literal["auto"] = "auto"


Search = Annotated[Exact | AnnoySearch | FaissSearch | AutoSearch, Field(discriminator="kind")]
