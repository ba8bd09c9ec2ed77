"""The nearest items of a query, whatever looks them up.

    exact                 all items are scored                                    index.shelf
    annoy, faiss          some are proposed, inner products order them,           index.annoy, index.codes
                          and a row that comes out short is answered exactly

N queries, V items, D numbers, K places, M candidates a row
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, assert_never

import numpy as np

from hm_pipeline.data.arrays import Bool, Float32, Int32
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.index.cost import cost
from hm_pipeline.index.exact import top_k
from hm_pipeline.index.search import Kind
from hm_pipeline.index.shelf import Shelf
from hm_pipeline.index.threads import over_blocks

HEAD = "index.json"
SLACK = 8  # candidates beyond those needed, for ties at the border and for what may not be recommended
LITTLE = 0.1  # of the items allowed, or less: scoring these few is cheaper than looking through proposals
FAR = 2  # times as deep as it was tuned for, or deeper: exact may be cheaper, and finds what Annoy misses
BLOCK_NUMBERS = 1_000_000  # of the vectors that are fetched at once; 4 MB


class Proposer(Protocol):
    """Knows which items are worth a look."""

    def propose(self, queries: Float32, most: int, breadth: int) -> Int32:
        """(N, most) items in any order, -1 where there are fewer; the wider it looks the fewer are missed."""
        ...

    def save(self, folder: Path) -> None:
        """Everything but the item vectors."""
        ...


@dataclass(frozen=True, eq=False)
class Nearest:
    """An index over the items 1..V-1."""

    kind: Kind
    vectors: Float32  # (V, D), row 0 padding
    proposer: Proposer | None = None  # None: exact
    breadth: int = 0  # how widely it looks
    asked: int = 0  # items of a list, for which that breadth was tuned; 0: not known

    def best(
        self, queries: Float32, k: int, excluded: Int32, *, allowed: Bool | None = None
    ) -> Recommendations:
        """The k best of each query (N, D) by inner product, best first, ties to the lower index.

        Never the row's item in `excluded` (N,), 0 for none, nor one where `allowed` (V,) is False; lists may
        be short. Raises ModelError where a score is NaN.
        """
        share = 1.0 if allowed is None else float(allowed[1:].mean()) if len(allowed) > 1 else 0.0
        if self.proposer is None or share <= LITTLE or self._better_exactly(k, share):
            return Shelf.of(self.vectors, allowed).best(queries, k, excluded)
        most = min(math.ceil((k + 1) / share) + SLACK, len(self.vectors) - 1)
        proposed = self.proposer.propose(queries, most, max(self.breadth_for(k, share), most))
        usable = np.ones(len(self.vectors), dtype=np.bool_) if allowed is None else allowed
        wanted = (proposed > 0) & usable[proposed] & (proposed != excluded[:, None])
        wanted &= queries.any(axis=1, keepdims=True)  # nothing is near to no query
        best = self._ordered(queries, np.where(wanted, proposed, -1), k)
        short = np.flatnonzero((best.items < 0).any(axis=1))
        if len(short):  # a shelf of the allowed is a copy
            exact = Shelf.of(self.vectors, allowed).best(queries[short], k, excluded[short])
            best.items[short], best.scores[short] = exact.items, exact.scores
        return best

    def breadth_for(self, k: int, share: float = 1.0) -> int:
        """Wider, as a question goes deeper than the tuned one: more items, or fewer of them allowed.

        In proportion as large a share of a longer list is found, but what is missed is its end, and that is
        what remains when the seen ones are dropped: longer lists are looked for wider than in proportion.
        """
        longer = max(1.0, k / self.asked) if self.asked else 1.0
        breadth = math.ceil(self.breadth * max(1.0, self._depth(k, share)) * math.sqrt(longer))
        return min(breadth, max(self.breadth, len(self.vectors) - 1)) if self.kind == "faiss" else breadth

    def _depth(self, k: int, share: float) -> float:
        """How far down all items a list reaches, 1 as far as the tuned one."""
        return k / self.asked / share if self.asked else 1.0

    def _better_exactly(self, k: int, share: float) -> bool:
        """Where a list reaches far down: Annoy's trees lose what lies there, or wider is dearer than exact.

        Of clustered vectors' 14 best that histories of 60 left, Annoy found .68 with a breadth in proportion.
        """
        if self._depth(k, share) < FAR:
            return False
        shape, breadth = self.vectors.shape, self.breadth_for(k, share)
        lost = self.kind == "annoy" and k >= FAR * self.asked
        return lost or cost(self.kind, shape, breadth) >= share * cost("exact", shape, 0)

    def _ordered(self, queries: Float32, proposed_NM: Int32, k: int) -> Recommendations:
        """The k best of what was proposed, by inner product."""
        n = len(queries)
        items, scores = np.empty((n, k), np.int32), np.empty((n, k), np.float32)

        def order(block: slice) -> None:
            lists = ordered(self.vectors, queries[block], proposed_NM[block], k)
            items[block], scores[block] = lists.items, lists.scores

        numbers = proposed_NM.shape[1] * self.vectors.shape[1]  # of a row
        over_blocks(n, max(1, BLOCK_NUMBERS // max(numbers, 1)), order)
        return Recommendations(items, scores)

    def save(self, folder: Path) -> None:
        """index.json and what proposes; nothing where all are scored, and never the vectors."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.proposer is not None:
            head = {"kind": self.kind, "breadth": self.breadth, "asked": self.asked}
            (folder / HEAD).write_text(json.dumps(head))
            self.proposer.save(folder)

    @classmethod
    def load(cls, folder: Path, vectors: Float32) -> Self:
        """What `save` wrote of these vectors."""
        kind, breadth, asked = _head(folder)
        match kind:
            case "exact":
                return cls(kind, vectors)
            case "annoy":
                from hm_pipeline.index.annoy import Neighbours  # noqa: PLC0415  only where asked for

                found: Proposer = Neighbours.load(folder)
            case "faiss":
                from hm_pipeline.index.codes import Codes  # noqa: PLC0415  only where asked for

                found = Codes.load(folder, vectors)
            case _:
                assert_never(kind)
        return cls(kind, vectors, found, breadth, asked)

    def wider(self, breadth: int) -> Self:
        """The same, looking as widely as this."""
        return replace(self, breadth=breadth)


def kind_in(folder: Path) -> Kind:
    """How the model that was saved here looks its items up."""
    return _head(folder)[0]


def _head(folder: Path) -> tuple[Kind, int, int]:
    """Kind, breadth, and what that was tuned for: 0 where an earlier version wrote it, which did not say."""
    if not (folder / HEAD).exists():
        return "exact", 0, 0
    head = json.loads((folder / HEAD).read_text())
    if "kind" not in head:  # Annoy's own, as 0.1.0 wrote it
        return "annoy", int(np.load(folder / "search_k.npy", allow_pickle=False)), 0
    return head["kind"], head["breadth"], head.get("asked", 0)


def ordered(vectors_VD: Float32, queries_ND: Float32, proposed_NM: Int32, k: int) -> Recommendations:
    """The k best of (N, M) proposed items, -1 none, by inner product, ties to the lower index."""
    ascending = np.sort(np.where(proposed_NM > 0, proposed_NM, np.iinfo(np.int32).max), axis=1)
    known = ascending < len(vectors_VD)
    columns = np.where(known, ascending, 0)
    scores = np.matmul(vectors_VD[columns], queries_ND[:, :, None])[:, :, 0]
    # one column before them all, as top_k never takes its first
    before = np.full((len(scores), 1), -np.inf, np.float32)
    best = top_k(np.concatenate([before, np.where(known, scores, -np.inf)], axis=1), k)
    items = np.take_along_axis(columns, np.maximum(best.items - 1, 0), axis=1)
    return replace(best, items=np.where(best.items > 0, items, -1).astype(np.int32))


def with_bias(vectors_VD: Float32, bias_V: Float32) -> Float32:
    """(V, D + 1): a score's constant as one more number, which queries meet with 1."""
    return np.concatenate([vectors_VD, bias_V[:, None]], axis=1)
