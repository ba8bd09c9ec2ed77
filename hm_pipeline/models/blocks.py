"""Rows in blocks: what bounds the memory of an answer."""

from collections.abc import Callable

import numpy as np

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.index.threads import over_blocks

BLOCK_CELLS = 8_000_000  # cells of the widest array of a block: 32 MB in single precision


def in_blocks(
    histories: Histories, k: int, width: int, answer: Callable[[Histories], Recommendations]
) -> Recommendations:
    """The answers of all rows, asked for a block at a time; a row needs `width` cells."""
    rows = _rows(width)
    parts = [answer(histories.take(slice(at, at + rows))) for at in range(0, len(histories), rows)]
    return Recommendations.concat(parts, k)


def in_threads(
    histories: Histories, k: int, width: int, answer: Callable[[Histories], Recommendations]
) -> Recommendations:
    """As `in_blocks`, blocks side by side on all the threads there are: for what one core works out."""
    items = np.empty((len(histories), k), dtype=np.int32)
    scores = np.empty((len(histories), k), dtype=np.float32)

    def work(rows: slice) -> None:
        lists = answer(histories.take(rows))
        items[rows], scores[rows] = lists.items, lists.scores

    over_blocks(len(histories), _rows(width), work)
    return Recommendations(items, scores)


def _rows(width: int) -> int:
    """Of a block."""
    return max(1, BLOCK_CELLS // max(width, 1))
