"""Nearest items by Annoy, as in the thesis, with its recall measured.

Largest inner product by Annoy's `dot`, or by `angular` or `euclidean` on vectors lengthened to one norm:
an item x gets one more coordinate sqrt(M^2 - |x|^2), M the largest norm, a query 0 and the norm M, and
angle and distance to the query are then in the order of the inner product (Bachrach et al., 2014).

N queries, V items, D factors
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from annoy import AnnoyIndex

from hm_pipeline.data.arrays import Float32, Int32

Metric = Literal["dot", "angular", "euclidean"]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """An Annoy index over items 1..V-1 and all that its own file does not hold."""

    index: Any  # AnnoyIndex; item v is its v - 1, so that ids are dense
    metric: Metric
    norm: float  # M

    @classmethod
    def build(cls, item_factors: Float32, metric: Metric, trees: int, seed: int) -> Self:
        """Over rows 1..V-1: the same bytes for the same factors and seed, hence one thread."""
        norm = float(np.linalg.norm(item_factors[1:], axis=1).max(initial=0.0))
        vectors = item_factors[1:] if metric == "dot" else _lengthened(item_factors[1:], norm)
        index = AnnoyIndex(vectors.shape[1], metric)
        index.set_seed(seed)
        for at, vector in enumerate(vectors):
            index.add_item(at, vector)
        index.build(trees, n_jobs=1)
        return cls(index, metric, norm)

    def nearest(self, queries: Float32, n: int, search_k: int) -> Int32:
        """(N, n) items, -1 where Annoy found fewer, in Annoy's order."""
        found = np.full((len(queries), n), -1, dtype=np.int32)
        for row, query in enumerate(self._prepared(queries)):
            items = self.index.get_nns_by_vector(query, n, search_k)
            found[row, : len(items)] = items
        return np.where(found >= 0, found + 1, -1).astype(np.int32)

    def _prepared(self, queries: Float32) -> Float32:
        if self.metric == "dot":
            return queries
        norms = np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return np.pad(queries * (self.norm / norms), ((0, 0), (0, 1))).astype(np.float32)

    def save(self, folder: Path) -> None:
        """items.ann, and index.json with what it needs to be read."""
        folder.mkdir(parents=True, exist_ok=True)
        self.index.save(str(folder / "items.ann"))
        head = {"metric": self.metric, "width": self.index.f, "norm": self.norm}
        (folder / "index.json").write_text(json.dumps(head))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote, memory-mapped."""
        head = json.loads((folder / "index.json").read_text())
        index = AnnoyIndex(head["width"], head["metric"])
        index.load(str(folder / "items.ann"))
        return cls(index, head["metric"], head["norm"])


def _lengthened(vectors: Float32, norm: float) -> Float32:
    """(V - 1, D + 1) vectors that all have this norm."""
    squares = (vectors.astype(np.float64) ** 2).sum(axis=1)
    missing = np.sqrt(np.maximum(norm**2 - squares, 0.0))
    return np.concatenate([vectors, missing[:, None].astype(np.float32)], axis=1)


def recall(approximate: Int32, exact: Int32) -> float:
    """ann_recall_at_k: mean over lists of |approximate ∩ exact| / K; -1 is no item."""
    found = (approximate[:, :, None] == exact[:, None, :]) & (exact > 0)[:, None, :]
    return float(found.sum() / max(exact.size, 1))
