"""The most interacted items of the training split, for everybody."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.index import top_k
from hm_pipeline.models.fitting import FitContext, Fitted


class PopularityConfig(Frozen):
    """Nothing to choose."""

    kind: Literal["popularity"] = "popularity"


@dataclass(frozen=True, eq=False)
class Popularity:
    """One list for everybody, less what each may not get; the score of an item is its training count."""

    counts: Int64  # (V,)

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """As `Recommender.recommend`."""
        best = top_k(self.counts[None].astype(np.float64), k + 1, allowed=allowed)
        dropped = best.items == histories.last[:, None]
        kept = np.argsort(dropped, axis=1, kind="stable")[:, :k]
        # the one place more than K takes the dropped item's turn
        return Recommendations(best.items[0][kept], best.scores[0][kept])

    def save(self, folder: Path) -> None:
        """counts.npy."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "counts.npy", self.counts, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls(np.load(folder / "counts.npy", allow_pickle=False))


def fit_popularity(config: PopularityConfig, samples: Samples, context: FitContext) -> Fitted:
    """Nothing is learned: the counts are in the samples."""
    return Fitted(Popularity(samples.counts))
