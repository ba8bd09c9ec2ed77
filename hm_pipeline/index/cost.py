"""What a row costs by each kind of search, reckoned: a choice by a clock would not be the same twice.

The unit is one multiplication and addition of a matrix product, of which a core does 54 in a nanosecond
where `benchmarks/search.py` measured the constants; another machine moves them little, and all together.

V items, D numbers of a vector
"""

from typing import assert_never

from hm_pipeline.index.codes import CODES, NUMBERS
from hm_pipeline.index.search import Kind

SELECTION = 28  # of a score: to be compared once it is there
CODE, CODED_ROW = 0.42, 150_000  # a code to be looked up and added; a row, whatever the catalogue
CANDIDATE = 3_600  # to be kept, fetched and scored
NODE, TREE_ROW = 2_100, 1_000_000  # of Annoy's trees, to be visited; a row


def cost(kind: Kind, shape_VD: tuple[int, ...], breadth: int) -> float:
    """Of one row."""
    items, width = shape_VD
    match kind:
        case "exact":
            return float(items * (width + SELECTION))
        case "faiss":
            return items * width * CODES / NUMBERS * CODE + breadth * CANDIDATE + CODED_ROW
        case "annoy":
            return float(breadth * NODE + TREE_ROW)
        case _:
            assert_never(kind)
