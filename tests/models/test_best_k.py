"""The best K of queries against `index.top_k` of the very same scores: small whole numbers, so that ties abound."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.errors import ModelError
from hm_pipeline.index import top_k
from hm_pipeline.models import best_k
from hm_pipeline.models.best_k import PART, Shelf, best_columns


def whole(draw: np.random.Generator, shape: tuple[int, ...], values: int) -> torch.Tensor:
    """Whole numbers: their products and sums have no rounding, whatever the order."""
    return torch.from_numpy(draw.integers(-values, values + 1, size=shape).astype(np.float32))


def same(found: Recommendations, wanted: Recommendations) -> None:
    np.testing.assert_array_equal(found.items, wanted.items)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    assert (found.items.dtype, found.scores.dtype) == (np.int32, np.float32)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), v=st.integers(1, 1500), k=st.integers(1, 40), values=st.integers(0, 30))
def test_it_is_top_k_of_the_scores(seed: int, v: int, k: int, values: int) -> None:
    draw = np.random.default_rng(seed)
    queries, vectors, bias = (
        whole(draw, (7, 3), values),
        whole(draw, (v, 3), values),
        whole(draw, (v,), values),
    )
    excluded = draw.integers(0, v, size=7).astype(np.int32)
    allowed = draw.random(v) < draw.random() if seed % 2 else None
    scores = (queries @ vectors.T + bias).numpy()
    found = Shelf.of(vectors, bias, allowed, rows=7).best(queries, k, excluded)
    same(found, top_k(scores, k, excluded=excluded, allowed=allowed))


@pytest.mark.parametrize("width", [PART * 20, PART * 20 + 1, 50])
@pytest.mark.parametrize("k", [1, 3, 14])
def test_a_tie_at_the_border_goes_to_the_lower_columns(width: int, k: int) -> None:
    draw = np.random.default_rng(k)
    for values in (1, 2, 5, 10**6):
        scores = whole(draw, (50, width), values)
        scores[:, 0] = -torch.inf
        scores[draw.random((50, width)) < 0.3] = -torch.inf
        wanted = top_k(scores.numpy(), k)
        found, columns = best_columns(scores, k)
        np.testing.assert_array_equal(found.numpy(), wanted.scores)
        filled = wanted.items > 0
        np.testing.assert_array_equal(columns.numpy()[filled], wanted.items[filled])


def test_where_all_scores_are_equal_the_first_items_are_the_list() -> None:
    shelf = Shelf.of(torch.zeros(1000, 4), torch.zeros(1000), None, rows=3)
    lists = shelf.best(torch.ones(3, 4), 5, np.array([0, 2, 999], dtype=np.int32))
    assert lists.items.tolist() == [[1, 2, 3, 4, 5], [1, 3, 4, 5, 6], [1, 2, 3, 4, 5]]


def test_a_catalogue_smaller_than_the_list_makes_short_lists() -> None:
    shelf = Shelf.of(torch.zeros(3, 1), torch.tensor([9.0, 1.0, 2.0]), None, rows=2)
    lists = shelf.best(torch.ones(2, 1), 4, np.array([0, 2], dtype=np.int32))
    assert lists.items.tolist() == [[2, 1, -1, -1], [1, -1, -1, -1]]
    assert np.isneginf(lists.scores[lists.items < 0]).all()


def test_nothing_allowed_is_an_empty_list() -> None:
    shelf = Shelf.of(torch.ones(9, 2), torch.ones(9), np.zeros(9, dtype=np.bool_), rows=1)
    assert shelf.best(torch.ones(1, 2), 3, np.zeros(1, dtype=np.int32)).items.tolist() == [[-1, -1, -1]]


def test_panels_of_items_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    queries, vectors, bias = whole(draw, (40, 4), 3), whole(draw, (3000, 4), 3), whole(draw, (3000,), 3)
    excluded = draw.integers(0, 3000, size=40).astype(np.int32)
    for panel in (7, 64, 1000, 2999):
        monkeypatch.setattr(best_k, "PANEL", panel)
        for allowed in (None, draw.random(3000) < 0.4):
            found = Shelf.of(vectors, bias, allowed, rows=40).best(queries, 14, excluded)
            wanted = top_k((queries @ vectors.T + bias).numpy(), 14, excluded=excluded, allowed=allowed)
            same(found, wanted)


@pytest.mark.parametrize("v", [10, 2000])
@pytest.mark.parametrize("values", [0, 5], ids=["all tied", "mixed"])
def test_a_score_that_is_no_number_is_an_error(v: int, values: int) -> None:
    draw = np.random.default_rng(1)
    queries, vectors = whole(draw, (6, 2), values), whole(draw, (v, 2), values)
    queries[4, 1] = torch.nan
    with pytest.raises(ModelError, match="1 of 6 rows"):
        Shelf.of(vectors, torch.zeros(v), None, rows=6).best(queries, 3, np.zeros(6, dtype=np.int32))


def test_one_item_that_is_no_number_is_an_error_unless_nobody_may_get_it() -> None:
    vectors, allowed = torch.ones(2000, 2), np.ones(2000, dtype=np.bool_)
    vectors[1234] = torch.nan
    nobody = np.zeros(5, dtype=np.int32)
    with pytest.raises(ModelError, match="5 of 5 rows"):
        Shelf.of(vectors, torch.zeros(2000), None, rows=5).best(torch.ones(5, 2), 3, nobody)
    allowed[1234] = False
    lists = Shelf.of(vectors, torch.zeros(2000), allowed, rows=5).best(torch.ones(5, 2), 3, nobody)
    assert lists.items.tolist() == [[1, 2, 3]] * 5


def test_no_more_scores_are_held_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_k, "BLOCK_SCORES", 50_000)
    for v in (3, 1000, 40_000):
        assert Shelf.of(torch.zeros(v, 1), torch.zeros(v), None, rows=10**9).room.numel() <= 50_000
    monkeypatch.setattr(best_k, "PANEL", 5000)
    assert best_k.rows_of(10**6) == 9, "a wide catalogue is scored in panels, not row by row"
