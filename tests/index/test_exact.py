"""top_k against sorting the whole row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.errors import ModelError
from hm_pipeline.index import top_k


@given(seed=st.integers(0, 10**6), v=st.integers(1, 700), k=st.integers(1, 20), values=st.integers(1, 50))
def test_top_k_is_the_head_of_the_sorted_row(seed: int, v: int, k: int, values: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, values, size=(4, v)).astype(np.float32)  # few values: many ties
    allowed = draw.random(v) < 0.8
    excluded = draw.integers(0, v, size=4).astype(np.int32)
    lists = top_k(scores, k, excluded=excluded, allowed=allowed)
    for row in range(4):
        usable = [c for c in range(1, v) if allowed[c] and c != excluded[row]]
        best = sorted(usable, key=lambda c: (-scores[row, c], c))[:k]
        assert lists.items[row].tolist() == best + [-1] * (k - len(best))


def test_the_scores_that_were_given_are_left_as_they_are() -> None:
    scores = np.ones((1, 5), dtype=np.float32)
    top_k(scores, 2)
    assert (scores == 1).all()


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ModelError, match="1 of 2 rows"):
        top_k(np.array([[0, 1, np.nan], [0, 1, 2]]), 2)
