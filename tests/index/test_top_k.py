"""The best K against a sort."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hm_pipeline.index import top_k

few_values = st.sampled_from([0.0, -1.0, 1.0, 2.5, -np.inf])  # ties and impossible items are frequent


@st.composite
def scores(draw: st.DrawFn) -> np.ndarray:
    n, v = draw(st.integers(0, 5)), draw(st.integers(1, 12))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    values = draw(st.sampled_from([few_values, st.floats(-9, 9, width=32)]))
    return draw(arrays.arrays(dtype, (n, v), elements=values))


def by_sorting(row: np.ndarray, k: int, barred: set[int]) -> list[tuple[int, float]]:
    left = [(i, float(s)) for i, s in enumerate(row) if i > 0 and i not in barred and s > -np.inf]
    return sorted(left, key=lambda pair: (-pair[1], pair[0]))[:k]


@settings(max_examples=400, deadline=None)
@given(scores(), st.integers(1, 14), st.data())
def test_the_best_k_equal_a_sort(scores_NV: np.ndarray, k: int, data: st.DataObject) -> None:
    n, v = scores_NV.shape
    excluded = data.draw(st.none() | arrays.arrays(np.int32, n, elements=st.integers(0, v - 1)))
    allowed = data.draw(st.none() | arrays.arrays(np.bool_, v))
    before = scores_NV.copy()
    best = top_k(scores_NV, k, excluded=excluded, allowed=allowed)
    assert best.items.shape == best.scores.shape == (n, k)
    assert (best.items.dtype, best.scores.dtype) == (np.int32, np.float32)
    for u in range(n):
        barred = {int(excluded[u])} if excluded is not None else set()
        barred |= {i for i in range(v) if allowed is not None and not allowed[i]}
        wanted = by_sorting(scores_NV[u], k, barred)
        short = k - len(wanted)
        assert best.items[u].tolist() == [i for i, _ in wanted] + [-1] * short
        assert best.scores[u].tolist() == [s for _, s in wanted] + [-np.inf] * short
    assert np.array_equal(scores_NV, before)


def test_a_tie_at_the_border_goes_to_the_lower_index() -> None:
    assert top_k(np.zeros((1, 100)), 3).items.tolist() == [[1, 2, 3]]


def test_a_list_may_be_short_and_may_be_empty() -> None:
    row = np.full((1, 5), -np.inf)
    assert top_k(row, 3).items.tolist() == [[-1, -1, -1]]
    row[0, 4] = 1
    assert top_k(row, 3).items.tolist() == [[4, -1, -1]]
