"""Which items follow which, weighted by distance: the matrix behind itemknn and markov.

    C[i, j] += forward / d    i stands d places before j
    C[j, i] += backward / d
    S = C / (n_i^damping n_j^damping), n the training counts

Two places are two, also where both hold one item: who returns to an item after others votes for returning.

T interactions, V items
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hm_pipeline.data.arrays import Float64, Int32, Int64, Sparse
from hm_pipeline.data.histories import Histories
from hm_pipeline.progress import Progress, Step

BLOCK_INTERACTIONS = 500_000  # of whole items; 2 * max_distance times as many pairs are held at once


@dataclass(frozen=True)
class Similarity:
    """What a similarity weighs, and how much of it is kept."""

    forward: float
    backward: float
    max_distance: int
    damping: float
    max_neighbours: int | None  # an item's best that are kept; None keeps all


def similarities(
    train: Histories, counts: Int64, options: Similarity, progress: Progress, stage: str
) -> Sparse:
    """S as a (V, V) CSR matrix, built in blocks of source items: in memory are the interactions, sorted, a
    block's pairs and the neighbours kept so far."""
    long_rows, items = train.interactions()
    rows = long_rows.astype(np.int32)
    places: Int64 = np.argsort(items, kind="stable")  # an item's positions lie side by side
    before = np.concatenate([[0], np.cumsum(np.bincount(items, minlength=len(counts)))])
    scale = np.maximum(counts, 1) ** -options.damping
    parts = []
    for first, stop in _blocks(before):
        at = places[before[first] : before[stop]]
        pairs = _pairs(rows, items, at, options, first, (stop - first, len(counts)))
        damped = sparse.diags(scale[first:stop]) @ pairs @ sparse.diags(scale)
        parts.append(_strongest(damped.tocsr(), options.max_neighbours))
        progress(Step(stage, float(before[stop]), float(len(items))))
    return sparse.vstack(parts, format="csr")


def _blocks(before: Int64) -> Iterator[tuple[int, int]]:
    """[first, stop) ranges of items with about BLOCK_INTERACTIONS interactions each, an item at least."""
    first, size = 0, len(before) - 1
    while first < size:
        stop = int(np.searchsorted(before, before[first] + BLOCK_INTERACTIONS, side="right")) - 1
        stop = min(max(stop, first + 1), size)
        yield first, stop
        first = stop


def _pairs(
    rows: Int32, items: Int32, at: Int64, options: Similarity, first: int, shape: tuple[int, int]
) -> Sparse:
    """The rows of C that belong to the items at these positions."""
    sources, others, weights = [], [], []
    for distance in range(1, options.max_distance + 1):
        for step, weight in ((distance, options.forward), (-distance, options.backward)):
            here, there = _within(rows, at, step) if weight else (at[:0], at[:0])
            sources.append(items[here] - first)
            others.append(items[there])
            weights.append(np.full(len(here), weight / distance))
    coordinates = (np.concatenate(sources), np.concatenate(others))
    return sparse.coo_matrix((np.concatenate(weights), coordinates), shape=shape).tocsr()


def _within(rows: Int32, at: Int64, step: int) -> tuple[Int64, Int64]:
    """Positions and those `step` after them, where both are one user's."""
    there = at + step
    inside = (there >= 0) & (there < len(rows))
    here, there = at[inside], there[inside]
    kept = rows[here] == rows[there]
    return here[kept], there[kept]


def _strongest(matrix: Sparse, limit: int | None) -> Sparse:
    """Each row's `limit` largest entries, ties to the lower column."""
    matrix.sort_indices()
    lengths = np.diff(matrix.indptr)
    if limit is None or not len(lengths) or lengths.max() <= limit:
        return matrix.astype(np.float32)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank = np.arange(len(order)) - matrix.indptr[:-1][rows]  # sorted by row: order[r] is in row rows[r]
    kept = np.sort(order[rank < limit])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, limit))])
    kept_data = matrix.data[kept].astype(np.float32)
    return sparse.csr_matrix((kept_data, matrix.indices[kept], indptr), shape=matrix.shape)


def votes(histories: Histories, size: int, max_history: int, decay: float) -> Sparse:
    """(N, V): the latest `max_history` items of each row with decay^age, age 0 the last, repeats each."""
    latest = histories.latest(max_history)
    rows, items = latest.interactions()
    ends = np.cumsum(latest.lengths)
    age: Float64 = (ends[rows] - 1 - np.arange(len(rows))).astype(np.float64)
    return sparse.coo_matrix((decay**age, (rows, items)), shape=(len(histories), size)).tocsr()
