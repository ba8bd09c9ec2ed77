"""The thesis's AnnoyAlternatingLeastSquares: ALS whose nearest items are looked up by Annoy.

N rows, V items, D factors, K places, M candidates a row
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Int32
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.index import top_k
from hm_pipeline.index.annoy import Neighbours, recall
from hm_pipeline.models.als import Als, parameters
from hm_pipeline.models.als_config import AalsConfig
from hm_pipeline.models.blocks import in_blocks
from hm_pipeline.models.factors import Factors, trained_factors
from hm_pipeline.models.fitting import FitContext, FitReport, Fitted


@dataclass(frozen=True, eq=False)
class Aals:
    """Annoy proposes, inner products order. A row that comes out short is answered exactly.

    Short are rows without a query (an empty history) and rows where `allowed` leaves too few of what
    Annoy proposed.
    """

    factors: Factors
    neighbours: Neighbours
    search_k: int  # nodes that Annoy looks at: its price and its recall

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`."""
        usable = np.ones(len(self.factors.items), dtype=np.bool_) if allowed is None else allowed
        share = max(float(usable[1:].mean()), 0.01)
        ask = min(math.ceil((k + 1) / share), len(usable) - 1)

        def answer(block: Histories) -> Recommendations:
            return self._answer(block, k, ask, usable)

        return in_blocks(histories, k, ask * self.factors.items.shape[1], answer)

    def _answer(self, block: Histories, k: int, ask: int, usable: Bool) -> Recommendations:
        queries = self.factors.queries(block)
        proposed = self.neighbours.nearest(queries, ask, max(self.search_k, ask))
        proposed[~queries.any(axis=1)] = -1
        wanted = (proposed > 0) & usable[proposed] & (proposed != block.last[:, None])
        best = self._ordered(queries, np.where(wanted, proposed, -1), k)
        short = np.flatnonzero((best.items < 0).any(axis=1))
        exact = Als(self.factors).recommend(block.take(short), k, allowed=usable)
        best.items[short], best.scores[short] = exact.items, exact.scores
        return best

    def _ordered(self, queries: Float32, proposed_NM: Int32, k: int) -> Recommendations:
        """The k best of what was proposed, by inner product, ties to the lower index."""
        ascending = np.sort(np.where(proposed_NM > 0, proposed_NM, np.iinfo(np.int32).max), axis=1)
        known = ascending < len(self.factors.items)
        columns = np.where(known, ascending, 0)
        scores = np.matmul(self.factors.items[columns], queries[:, :, None])[:, :, 0]
        # one column before them all, as top_k never takes its first
        before = np.full((len(scores), 1), -np.inf, np.float32)
        best = top_k(np.concatenate([before, np.where(known, scores, -np.inf)], axis=1), k)
        items = np.take_along_axis(columns, np.maximum(best.items - 1, 0), axis=1)
        return replace(best, items=np.where(best.items > 0, items, -1).astype(np.int32))

    def save(self, folder: Path) -> None:
        """The factors, the index, and search_k.npy."""
        self.factors.save(folder)
        self.neighbours.save(folder)
        np.save(folder / "search_k.npy", np.array(self.search_k), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, config: AalsConfig) -> Self:
        """What `save` wrote."""
        search_k = int(np.load(folder / "search_k.npy", allow_pickle=False))
        return cls(Factors.load(folder, config), Neighbours.load(folder), search_k)


def fit_aals(config: AalsConfig, samples: Samples, context: FitContext) -> Fitted:
    """Factorise, build the index, and raise search_k until its recall is enough or the cap is met."""
    factors = trained_factors(config, samples, context.progress, "train aals")
    neighbours = Neighbours.build(factors.items, config.metric, config.trees, config.seed)
    asked = _asked(samples, config.recall_queries)
    start = min(context.k * config.trees, config.max_search_k)  # Annoy's own default
    model = _tuned(Aals(factors, neighbours, start), asked.take(slice(0, None, 2)), config, context.k)
    reported = measured_recall(model, asked.take(slice(1, None, 2)), context.k)
    facts = {
        "parameters": parameters(factors),
        "search_k": float(model.search_k),
        "ann_recall_at_k": reported,
        "ann_recall_target": config.recall_target,
        "ann_recall_target_met": float(reported >= config.recall_target),
    }
    return Fitted(model, FitReport(facts=facts))


def measured_recall(model: Aals, histories: Histories, k: int) -> float:
    """ann_recall_at_k of these histories, against the exact lists of the same factors."""
    exact = Als(model.factors).recommend(histories, k)
    return recall(model.recommend(histories, k).items, exact.items)


def _tuned(model: Aals, histories: Histories, config: AalsConfig, k: int) -> Aals:
    """search_k doubled from Annoy's default until the target or the cap."""
    while measured_recall(model, histories, k) < config.recall_target:
        if model.search_k >= config.max_search_k:
            break
        model = replace(model, search_k=min(2 * model.search_k, config.max_search_k))
    return model


def _asked(samples: Samples, queries: int) -> Histories:
    """Validation histories, or those of training where nobody validates, spread over all rows."""
    holdout = samples.holdouts.get("validation")
    histories = holdout.histories if holdout is not None and len(holdout) else samples.train
    histories = histories.take(np.flatnonzero(histories.lengths))
    spread = np.linspace(0, len(histories) - 1, min(queries, len(histories))).astype(np.int64)
    return histories.take(spread)
