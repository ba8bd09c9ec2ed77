"""Models that look their items up: the lists of the exact ones, but for what the recall says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markov_shoppers import markov_samples
from pydantic import ValidationError

from hm_pipeline.data.samples import Samples
from hm_pipeline.index.nearest import kind_in
from hm_pipeline.index.search import AnnoySearch, AutoSearch, Exact, FaissSearch, Search
from hm_pipeline.models.als_config import AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.fit import fit, load_model
from hm_pipeline.models.fitting import FitContext, Fitted
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.training.config import TrainingConfig

K = 5
SIZES: dict[str, Any] = {"user_embedding": 4, "item_embedding": 8, "layers": 1, "hidden": 8, "state_dim": 8}
MODELS: dict[str, Any] = {
    "als": lambda search: AlsConfig(factors=16, iterations=3, search=search),
    "gru": lambda search: GruConfig(
        **SIZES, popularity_bias=True, training=TrainingConfig(max_epochs=1), search=search
    ),
}


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=600, items=1100, predictability=0.5, seed=1)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fitted(model: str, search: Search, samples: Samples) -> Fitted:
    return fit(MODELS[model](search), samples, FitContext(k=K))


@pytest.mark.parametrize("search", [FaissSearch(), AnnoySearch()], ids=["faiss", "annoy"])
def test_lists_are_those_of_exact_search_as_far_as_the_recall_says(
    model: str, search: Search, samples: Samples
) -> None:
    asked = samples.holdouts["test"].histories
    exact = fitted(model, Exact(), samples).model.recommend(asked, K)
    approximate = fitted(model, search, samples)
    lists = approximate.model.recommend(asked, K)
    same = (lists.items[:, :, None] == exact.items[:, None, :]).any(axis=2).mean()
    assert approximate.report.facts[f"search_is_{search.kind}"] == 1
    assert same > 0.95
    assert abs(same - approximate.report.facts["ann_recall_at_k"]) < 0.05


@pytest.mark.parametrize("search", [FaissSearch(), AnnoySearch()], ids=["faiss", "annoy"])
def test_what_was_saved_answers_the_same(
    model: str, search: Search, samples: Samples, tmp_path: Path
) -> None:
    asked, found = samples.holdouts["test"].histories, fitted(model, search, samples).model
    found.save(tmp_path)
    assert kind_in(tmp_path) == search.kind
    before = found.recommend(asked, K)
    after = load_model(tmp_path, MODELS[model](search)).recommend(asked, K)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.scores, after.scores)


def test_auto_finds_a_small_catalogue_cheapest_to_score_and_answers_like_exact(
    model: str, samples: Samples, tmp_path: Path
) -> None:
    asked, found = samples.holdouts["test"].histories, fitted(model, AutoSearch(), samples)
    exact = fitted(model, Exact(), samples).model.recommend(asked, K)
    assert found.report.facts["search_is_exact"] == found.report.facts["ann_recall_target_met"] == 1
    np.testing.assert_array_equal(found.model.recommend(asked, K).items, exact.items)
    found.model.save(tmp_path)
    assert kind_in(tmp_path) == "exact"


def test_exact_search_is_the_default_and_reports_nothing_of_itself(model: str, samples: Samples) -> None:
    assert not [fact for fact in fitted(model, Exact(), samples).report.facts if "search" in fact]
    assert AlsConfig().search == GruConfig().search == Exact()


def test_a_blend_scores_all_items_and_takes_no_search() -> None:
    with pytest.raises(ValidationError, match=r"its net\.search is exact"):
        BlendConfig(net=GruConfig(search=FaissSearch()))
