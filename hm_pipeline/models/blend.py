"""A sequence model and itemknn together: they err on different users.

    score = logit of the net + weight * log(floor + share of itemknn's votes)

A product of two experts' distributions (Hinton 1999), of which the net's weight is 1: its logits are its
log-probabilities up to a constant of the row, which changes no ranking. The weight is the one with the most
hits on validation; ties go to the one named first.

B histories of a block, V items, W weights
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout, Samples
from hm_pipeline.index import top_k
from hm_pipeline.models.best_k import BLOCK_ROWS
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.blocks import BLOCK_CELLS, in_blocks
from hm_pipeline.models.fitting import FitContext, Fitted
from hm_pipeline.models.itemknn import ItemKnn, fit_itemknn
from hm_pipeline.models.sequencer import fit_sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.progress import Step

WEIGHT = "itemknn_weight"
KNN_FOLDER = "itemknn"
MOST_WEIGHED = 100_000  # validation rows that choose a weight, spread over all


@dataclass(frozen=True, eq=False)
class Blend:
    """Scores are sums of the two; see Recommender."""

    net: SequencerRecommender
    knn: ItemKnn
    floor: float
    weight: float

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`."""
        order, logits = np.argsort(histories.lengths, kind="stable"), self.net.scorer()

        def answer(block: Histories) -> Recommendations:
            scores_BV = self.log_shares(block)
            scores_BV *= np.float32(self.weight)
            scores_BV += logits(block)
            return top_k(scores_BV, k, excluded=block.last, allowed=allowed)

        lists = in_blocks(histories.take(order), k, self.width, answer)
        back = np.argsort(order)
        return Recommendations(lists.items[back], lists.scores[back])

    @property
    def width(self) -> int:
        """Cells that a row takes while it is scored: logits, votes in double precision, their logarithms.

        A sum of the two beside both, which choosing the weight holds, is one more. With few items the states
        of the net are more: no more rows at once than it answers alone.
        """
        return max(4 * int(self.knn.similarity.shape[0]), BLOCK_CELLS // BLOCK_ROWS)

    def log_shares(self, histories: Histories) -> Float32:
        """(B, V) log of floor + an item's share of the votes; the floor's everywhere where nobody votes."""
        votes_BV = self.knn.scores(histories)
        total_B1 = votes_BV.sum(axis=1, keepdims=True)
        np.divide(votes_BV, total_B1, out=votes_BV, where=total_B1 > 0)  # in place: see `width`
        votes_BV += self.floor
        return np.log(votes_BV, out=votes_BV).astype(np.float32)

    def save(self, folder: Path) -> None:
        """The net's files beside weight.npy, and itemknn's in a folder of their own."""
        self.net.save(folder)
        self.knn.save(folder / KNN_FOLDER)
        np.save(folder / "weight.npy", np.array([self.floor, self.weight]), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, config: BlendConfig) -> Self:
        """What `save` wrote."""
        floor, weight = np.load(folder / "weight.npy", allow_pickle=False).tolist()
        net = SequencerRecommender.load(folder, config.net)
        return cls(net, ItemKnn.load(folder / KNN_FOLDER), floor, weight)


def fit_blend(config: BlendConfig, samples: Samples, context: FitContext) -> Fitted:
    """The net as it is fitted alone, itemknn, then the weight; `itemknn_weight` is in the report."""
    fitted = fit_sequencer(config.net, samples, context)
    knn = fit_itemknn(config.itemknn, samples, replace(context, refit=None)).model
    assert isinstance(fitted.model, SequencerRecommender)
    assert isinstance(knn, ItemKnn)
    blend = Blend(fitted.model, knn, config.floor, config.weights[0])
    weight = _weight(blend, config, samples, context)
    report = fitted.report.model_copy(update={"facts": fitted.report.facts | {WEIGHT: weight}})
    return Fitted(replace(blend, weight=weight), report)


def _weight(blend: Blend, config: BlendConfig, samples: Samples, context: FitContext) -> float:
    """What a refit was told, else validation's best, else the middle one."""
    if context.refit is not None:
        return context.refit.facts[WEIGHT]
    holdout = samples.holdouts.get("validation")
    if holdout is None or not len(holdout):
        return config.weights[len(config.weights) // 2]
    hits_W = _hits(blend, config.weights, holdout, context)
    return config.weights[int(np.argmax(hits_W))]


def _hits(blend: Blend, weights: tuple[float, ...], holdout: Holdout, context: FitContext) -> Int64:
    """(W,) hits among the best k with each weight."""
    hits_W = np.zeros(len(weights), dtype=np.int64)
    spread = np.linspace(0, len(holdout) - 1, min(len(holdout), MOST_WEIGHED)).astype(np.int64)
    order = spread[np.argsort(holdout.histories.lengths[spread], kind="stable")]
    rows, logits = max(1, BLOCK_CELLS // blend.width), blend.net.scorer()
    for at in range(0, len(order), rows):
        some = holdout.take(order[at : at + rows])
        logits_BV, logs_BV = logits(some.histories), blend.log_shares(some.histories)
        for number, weight in enumerate(weights):
            scores_BV = np.float32(weight) * logs_BV
            scores_BV += logits_BV
            best = top_k(scores_BV, context.k, excluded=some.histories.last)
            hits_W[number] += int((best.items == some.targets[:, None]).any(axis=1).sum())
        context.progress(Step("weigh blend", float(at + len(some)), float(len(order))))
    return hits_W
