"""Annoy's index: the same bytes, the same answers after loading, and recall by hand."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hm_pipeline.index.annoy import Neighbours
from hm_pipeline.index.search import AnnoySearch, Metric
from hm_pipeline.index.tuning import recall

VECTORS = np.random.default_rng(0).normal(size=(201, 8)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)


@pytest.mark.parametrize("metric", get_args(Metric))
def test_a_full_search_finds_the_largest_inner_products(metric: Metric) -> None:
    found = Neighbours.build(VECTORS, AnnoySearch(metric=metric, trees=5)).propose(QUERIES, 10, breadth=10**6)
    exact = np.argsort(-(QUERIES @ VECTORS[1:].T), axis=1)[:, :10] + 1
    np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("metric", get_args(Metric))
def test_a_loaded_index_gives_the_same_answers_from_the_same_bytes(metric: Metric, tmp_path: Path) -> None:
    for attempt in ("once", "again"):
        built = Neighbours.build(VECTORS, AnnoySearch(metric=metric, trees=5))
        before = built.propose(QUERIES, 10, breadth=50)
        (tmp_path / attempt).mkdir()
        built.save(tmp_path / attempt)
    np.testing.assert_array_equal(before, Neighbours.load(tmp_path / "once").propose(QUERIES, 10, breadth=50))
    assert (tmp_path / "once/items.ann").read_bytes() == (tmp_path / "again/items.ann").read_bytes()


def test_recall_by_hand() -> None:
    assert recall(np.array([[1, 2, -1], [4, 5, 6]]), np.array([[2, 1, 3], [7, 8, 6]])) == pytest.approx(3 / 6)
