"""An index that finds what it was asked to find, and no more than that.

N queries, V items, D numbers, K places
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from hm_pipeline.data.arrays import Float32, Int32
from hm_pipeline.errors import ModelError
from hm_pipeline.index.codes import FEWEST, Codes
from hm_pipeline.index.cost import cost
from hm_pipeline.index.nearest import Nearest
from hm_pipeline.index.search import AnnoySearch, AutoSearch, Exact, FaissSearch, Search

FEWEST_QUERIES = 2  # one to tune by, one to report on
STEP = 1.4  # by which faiss is asked for more
LIKELY = 50  # items of a query that codes are made for above all


@dataclass(frozen=True, eq=False)
class Examination:
    """Queries whose exact lists are known."""

    queries: Float32  # (N, D)
    excluded: Int32  # (N,)
    items: Int32  # (N, K)

    @classmethod
    def of(cls, exact: Nearest, queries: Float32, excluded: Int32, k: int) -> "Examination":
        """Answered exactly."""
        return cls(queries, excluded, exact.best(queries, k, excluded).items)

    def recall(self, index: Nearest) -> float:
        """ann_recall_at_k: the mean share of an exact list that this index finds."""
        return recall(index.best(self.queries, self.items.shape[1], self.excluded).items, self.items)


def recall(approximate: Int32, exact: Int32) -> float:
    """|approximate ∩ exact| / |exact| over all lists; -1 is no item, where there is none, none is missed."""
    wanted = exact > 0
    found = (approximate[:, :, None] == exact[:, None, :]) & wanted[:, None, :]
    return float(found.sum() / wanted.sum()) if wanted.any() else 1.0


def built(
    search: Search, vectors: Float32, queries: Float32, excluded: Int32, k: int
) -> tuple[Nearest, dict[str, float]]:
    """The index of this search over items 1..V-1 of `vectors` (V, D), and what there is to say of it.

    Every other one of the queries (N, D) tunes, the rest report: with less than two of them it is exact. The
    same inputs give the same index. Raises ModelError where codes or trees are to be made of numbers that are
    none.
    """
    exact = Nearest("exact", vectors)
    if isinstance(search, Exact):
        return exact, {}
    if not np.isfinite(vectors).all():
        raise ModelError(_not_finite(vectors))
    if len(queries) < FEWEST_QUERIES:
        return exact, _facts(exact, search.recall_target, 1.0)  # nothing to tune and nothing to report by
    tune, report = (Examination.of(exact, queries[at::2], excluded[at::2], k) for at in (0, 1))
    index = _chosen(search, exact, tune)
    return index, _facts(index, search.recall_target, report.recall(index))


def _not_finite(vectors: Float32) -> str:
    wrong = np.flatnonzero((~np.isfinite(vectors)).any(axis=1))
    return (
        f"{len(wrong)} of {len(vectors)} item vectors hold a number that is not finite, the first in row "
        f"{wrong[0]}: the fit went wrong; fit again with a smaller learning rate or more regularization"
    )


def _chosen(search: AnnoySearch | FaissSearch | AutoSearch, exact: Nearest, tune: Examination) -> Nearest:
    match search:
        case AnnoySearch() | FaissSearch():
            return _widened(search, exact, tune, np.inf) or exact
        case AutoSearch():
            return _cheapest(search, exact, tune)
        case _:
            assert_never(search)


def _cheapest(search: AutoSearch, exact: Nearest, tune: Examination) -> Nearest:
    """By reckoned cost among those that meet the target, as exact always does."""
    best, common = exact, search.model_dump(exclude={"kind"})
    for each in (FaissSearch(**common), AnnoySearch(**common)):
        found = _widened(each, exact, tune, _cost(best))
        if found and _cost(found) < _cost(best) and tune.recall(found) >= search.recall_target:
            best = found
    return best


def _widened(
    search: AnnoySearch | FaissSearch, exact: Nearest, tune: Examination, limit: float
) -> Nearest | None:
    """The first that meets the target, else the widest that costs less than the limit; else None."""
    index: Nearest | None = None
    for breadth in _breadths(search, len(exact.vectors) - 1, tune.items.shape[1]):
        if cost(search.kind, exact.vectors.shape, breadth) >= limit:
            break
        index = index.wider(breadth) if index else _begun(search, exact, breadth, tune)
        if tune.recall(index) >= search.recall_target:
            break
    return index


def _begun(search: AnnoySearch | FaissSearch, exact: Nearest, breadth: int, tune: Examination) -> Nearest:
    asked = tune.items.shape[1]
    match search:
        case AnnoySearch():
            from hm_pipeline.index.annoy import Neighbours  # noqa: PLC0415  only where asked for

            return Nearest("annoy", exact.vectors, Neighbours.build(exact.vectors, search), breadth, asked)
        case FaissSearch():
            likely = exact.best(tune.queries, LIKELY, tune.excluded).items
            codes = Codes.build(exact.vectors, search.seed, likely)
            return Nearest("faiss", exact.vectors, codes, breadth, asked)
        case _:
            assert_never(search)


def _breadths(search: AnnoySearch | FaissSearch, size: int, k: int) -> Iterator[int]:
    """From Annoy's own default to its cap; from 2k candidates to all items. None where items are too few."""
    match search:
        case AnnoySearch():
            if size > 0:
                yield from _rising(k * search.trees, 2.0, search.max_search_k)
        case FaissSearch():
            if size > FEWEST:
                yield from _rising(2 * k, STEP, size)
        case _:
            assert_never(search)


def _rising(start: int, step: float, end: int) -> Iterator[int]:
    while start < end:
        yield start
        start = max(start + 1, int(start * step))  # 2 times 1.4 is 2
    yield end


def _cost(index: Nearest) -> float:
    return cost(index.kind, index.vectors.shape, index.breadth)


def _facts(index: Nearest, target: float, recall_at_k: float) -> dict[str, float]:
    """Numbers only, as a report has them: which kind it became is `search_is_…`."""
    of_exact = _cost(index) / cost("exact", index.vectors.shape, 0)
    breadth = {} if index.kind == "exact" else {"search_k": float(index.breadth)}
    return breadth | {
        f"search_is_{index.kind}": 1.0,
        "search_cost_of_exact": of_exact,
        "ann_recall_at_k": recall_at_k,
        "ann_recall_target": target,
        "ann_recall_target_met": float(recall_at_k >= target),
    }
