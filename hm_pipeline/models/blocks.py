"""Rows in blocks: what bounds the memory of an answer."""

from collections.abc import Callable

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations

BLOCK_CELLS = 8_000_000  # cells of the widest array of a block: 32 MB in single precision


def in_blocks(
    histories: Histories, k: int, width: int, answer: Callable[[Histories], Recommendations]
) -> Recommendations:
    """The answers of all rows, asked for a block at a time; a row needs `width` cells."""
    rows = max(1, BLOCK_CELLS // max(width, 1))
    parts = [answer(histories.take(slice(at, at + rows))) for at in range(0, len(histories), rows)]
    return Recommendations.concat(parts, k)
