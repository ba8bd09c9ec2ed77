"""Item vectors that trees and graphs find hard, as those of matrix factorisation are: norms over two decades, many
directions, queries far from any item."""

import numpy as np

from hm_pipeline.data.arrays import Float32


def items(size: int, width: int, seed: int) -> Float32:
    """(V, D), row 0 the padding's."""
    draw = np.random.default_rng(seed)
    popular = np.exp(-3 * np.arange(size) / size)[:, None]
    common = draw.normal(size=(20, width))
    vectors = popular * (draw.normal(size=(size, width)) + draw.normal(size=(size, 20)) @ common / 4)
    vectors[0] = 0
    return vectors.astype(np.float32)


def queries(rows: int, width: int, seed: int) -> Float32:
    """(N, D)."""
    return np.random.default_rng(10_000 + seed).normal(size=(rows, width)).astype(np.float32)
