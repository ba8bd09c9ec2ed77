"""Nearest items by Annoy, as in the thesis.

Largest inner product by Annoy's `dot`, or by `angular` or `euclidean` on vectors lengthened to one norm:
an item x gets one more coordinate sqrt(M^2 - |x|^2), M the largest norm, a query 0 and the norm M, and
angle and distance to the query are then in the order of the inner product (Bachrach et al., 2014).

N queries, V items, D factors
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from annoy import AnnoyIndex

from hm_pipeline.data.arrays import Float32, Int32
from hm_pipeline.index.search import AnnoySearch, Metric
from hm_pipeline.index.threads import over_blocks

HEAD = "annoy.json"
BLOCK = 256  # queries of a thread at a time


@dataclass(frozen=True, eq=False)
class Neighbours:
    """An Annoy index over items 1..V-1 and all that its own file does not hold."""

    index: Any  # AnnoyIndex; item v is its v - 1, so that ids are dense
    metric: Metric
    norm: float  # M

    @classmethod
    def build(cls, item_factors: Float32, search: AnnoySearch) -> Self:
        """Over rows 1..V-1: the same bytes for the same factors and seed, hence one thread."""
        norm = float(np.linalg.norm(item_factors[1:], axis=1).max(initial=0.0))
        vectors = item_factors[1:] if search.metric == "dot" else _lengthened(item_factors[1:], norm)
        index = AnnoyIndex(vectors.shape[1], search.metric)
        index.set_seed(search.seed)
        for at, vector in enumerate(vectors):
            index.add_item(at, vector)
        index.build(search.trees, n_jobs=1)
        return cls(index, search.metric, norm)

    def propose(self, queries: Float32, most: int, breadth: int) -> Int32:
        """(N, most) items, -1 where Annoy found fewer, in Annoy's order; `breadth` is its search_k."""
        found = np.full((len(queries), most), -1, dtype=np.int32)
        prepared = self._prepared(queries)

        def look(block: slice) -> None:
            for row in range(block.start, block.stop):
                items = self.index.get_nns_by_vector(prepared[row], most, max(breadth, most))
                found[row, : len(items)] = items

        over_blocks(len(queries), BLOCK, look)
        return np.where(found >= 0, found + 1, -1).astype(np.int32)

    def _prepared(self, queries: Float32) -> Float32:
        if self.metric == "dot":
            return queries
        norms = np.linalg.norm(queries, axis=1, keepdims=True)
        scale = np.divide(self.norm, norms, out=np.zeros_like(norms), where=norms > 0)
        return np.pad(queries * scale, ((0, 0), (0, 1))).astype(np.float32)

    def save(self, folder: Path) -> None:
        """items.ann, and annoy.json with what that does not say."""
        self.index.save(str(folder / "items.ann"))
        head = {"metric": self.metric, "width": self.index.f, "norm": self.norm}
        (folder / HEAD).write_text(json.dumps(head))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote, memory-mapped."""
        file = folder / HEAD if (folder / HEAD).exists() else folder / "index.json"  # as 0.1.0 wrote it
        head = json.loads(file.read_text())
        index = AnnoyIndex(head["width"], head["metric"])
        index.load(str(folder / "items.ann"))
        return cls(index, head["metric"], head["norm"])


def _lengthened(vectors: Float32, norm: float) -> Float32:
    """(V - 1, D + 1) vectors that all have this norm."""
    squares = (vectors.astype(np.float64) ** 2).sum(axis=1)
    missing = np.sqrt(np.maximum(norm**2 - squares, 0.0))
    return np.concatenate([vectors, missing[:, None].astype(np.float32)], axis=1)
