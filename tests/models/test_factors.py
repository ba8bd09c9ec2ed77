"""ALS: the fold-in against the normal equations written out, and what AALS says of its index."""

import numpy as np
import pytest
from markov_shoppers import markov_samples
from pydantic import ValidationError

from hm_pipeline.data.histories import Histories
from hm_pipeline.models import fold_in
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.factors import trained_factors
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.fold_in import FoldIn
from hm_pipeline.progress import silent


@pytest.mark.parametrize("cells", [1, 4_000_000])
def test_the_fold_in_solves_the_normal_equations(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_in, "BLOCK_CELLS", cells)
    draw = np.random.default_rng(0)
    y = np.concatenate([np.zeros((1, 4)), draw.normal(size=(12, 4))]).astype(np.float32)
    lists = [[1, 2, 1], [], list(range(1, 13)), [3, 3, 3, 5, 7, 9, 11], [12]]  # shorter and longer than D
    found = FoldIn(y, alpha=3.0, regularisation=0.2).queries(Histories.of(lists))
    expected = [_normal_equations(y.astype(np.float64), items, 3.0, 0.2) for items in lists]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def _normal_equations(y: np.ndarray, items: list[int], alpha: float, regularisation: float) -> np.ndarray:
    left, right = y.T @ y + regularisation * np.eye(y.shape[1]), np.zeros(y.shape[1])
    for item in set(items):
        weight = alpha * items.count(item)
        left += weight * np.outer(y[item], y[item])
        right += (1 + weight) * y[item]
    return np.linalg.solve(left, right)


def test_trained_users_lie_near_their_fold_in() -> None:
    samples = markov_samples(users=60, items=30, predictability=0.9, seed=1)
    config = AlsConfig(factors=8, iterations=30, fold_in=False)
    factors = trained_factors(config, samples, silent, "")
    assert factors.user_rows is not None
    folded = factors.queries(samples.train.anonymous())
    trained = factors.queries(samples.train)
    cosine = (folded * trained).sum(1) / np.linalg.norm(folded, axis=1) / np.linalg.norm(trained, axis=1)
    assert cosine.min() > 0.95


def test_aals_always_reports_its_recall_and_whether_the_target_was_met() -> None:
    samples = markov_samples(users=200, items=300, predictability=0.5, seed=1)
    poor = fit(AalsConfig(factors=16, iterations=3, trees=1, max_search_k=1), samples, FitContext(k=5))
    rich = fit(AalsConfig(factors=16, iterations=3, trees=5), samples, FitContext(k=5))
    assert poor.report.facts["search_k"] == 1
    assert poor.report.facts["ann_recall_target_met"] == 0
    assert rich.report.facts["ann_recall_target_met"] == 1
    assert poor.report.facts["ann_recall_at_k"] < 0.9 <= rich.report.facts["ann_recall_at_k"]


def test_aals_with_everything_searched_is_als() -> None:
    samples = markov_samples(users=60, items=30, predictability=0.5, seed=1)
    asked = samples.holdouts["test"].histories
    exact = fit(AlsConfig(factors=8, iterations=3), samples).model.recommend(asked, 5)
    sizes = AalsConfig(factors=8, iterations=3, recall_target=1.0)
    np.testing.assert_array_equal(exact.items, fit(sizes, samples).model.recommend(asked, 5).items)


def test_without_regularisation_folding_in_may_have_no_solution_so_there_is_some() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        AlsConfig(regularisation=0)
