"""What `sparse_top_k` answers is what `top_k` answers of the same scores written out."""

import numpy as np
import pytest
from scipy import sparse

from hm_pipeline.data.arrays import Bool, Int32, Sparse
from hm_pipeline.index import sparse_top_k, top_k


@pytest.mark.parametrize("seed", range(200))
def test_the_same_as_top_k_of_the_scores_written_out(seed: int) -> None:
    chance = np.random.default_rng(seed)
    n, v, k = chance.integers(1, 20), chance.integers(2, 60), chance.integers(1, 20)
    scores = chance.random((n, v)) * (chance.random((n, v)) < chance.random())
    if seed % 2:
        scores = np.round(scores * 4) / 4  # many ties
    excluded: Int32 = chance.integers(0, v, n).astype(np.int32)
    allowed: Bool = chance.random(v) < chance.random()
    for without in (None, excluded):
        for only in (None, allowed):
            wanted = top_k(scores, k, excluded=without, allowed=only)
            found = sparse_top_k(shuffled(scores, chance), k, excluded=without, allowed=only)
            np.testing.assert_array_equal(found.items, wanted.items)
            np.testing.assert_array_equal(found.scores, wanted.scores)


def test_nobody_and_nothing_there() -> None:
    nobody = sparse_top_k(sparse.csr_matrix((0, 5)), 3)
    assert nobody.items.shape == (0, 3)
    nothing = sparse_top_k(sparse.csr_matrix((2, 5)), 6)
    assert nothing.items.tolist() == [[1, 2, 3, 4, -1, -1]] * 2


def test_a_score_of_the_padding_counts_for_nothing() -> None:
    scores = sparse.csr_matrix(np.array([[9.0, 0.0, 1.0]]))
    assert sparse_top_k(scores, 2).items.tolist() == [[2, 1]]


def shuffled(scores: np.ndarray, chance: np.random.Generator) -> Sparse:
    """In CSR, each row's columns in any order, as a product of matrices leaves them."""
    made = sparse.csr_matrix(scores)
    for first, stop in zip(made.indptr[:-1], made.indptr[1:], strict=True):
        order = first + chance.permutation(stop - first)
        made.indices[first:stop], made.data[first:stop] = made.indices[order], made.data[order]
    return made
