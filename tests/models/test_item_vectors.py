"""Vectors of items and of their attributes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples
from pydantic import ValidationError

from hm_pipeline.data.samples import Attribute, Samples
from hm_pipeline.models.item_vectors import ItemVectors
from hm_pipeline.models.sequencer import net_of
from hm_pipeline.models.sequencer_config import GruConfig, TransformerConfig
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.config import TrainingConfig

CODES = torch.tensor([0, 0, 1, 1, 2])  # of padding, which is not to be read, and of items 1 to 4
START = 5


@pytest.fixture
def vectors() -> ItemVectors:
    made = ItemVectors(START + 1, 3, {"category": CODES})
    made.initialise(torch.Generator().manual_seed(1))
    return made


def test_an_item_is_its_own_vector_plus_its_categorys(vectors: ItemVectors) -> None:
    category = vectors.attributes["category"].weight  # type: ignore[union-attr]
    expected = vectors.weight + category[[3, 0, 1, 1, 2, 3]]  # type: ignore[index]
    torch.testing.assert_close(vectors.all(), expected)
    torch.testing.assert_close(vectors(torch.tensor([4, 2])), expected[[4, 2]])


def test_what_is_no_item_shares_a_value_with_no_item(vectors: ItemVectors) -> None:
    codes = vectors.attributes["category"].codes.tolist()  # type: ignore[union-attr]
    assert codes[0] == codes[START] == 3
    assert codes[1:START] == [0, 1, 1, 2]


def test_a_category_learns_from_all_its_items_and_an_item_from_itself(vectors: ItemVectors) -> None:
    vectors(torch.tensor([2])).sum().backward()
    assert vectors.weight.grad is not None
    assert vectors.weight.grad.coalesce().indices().tolist() == [[2]]
    before = vectors(torch.tensor([3])).detach()
    with torch.no_grad():
        category = vectors.attributes["category"].weight  # type: ignore[union-attr]
        category -= category.grad  # type: ignore[operator]
    assert not torch.equal(vectors(torch.tensor([3])), before), "item 3 is of the same category"


def with_categories(samples: Samples) -> Samples:
    codes = (np.arange(len(samples.items)) % 4).astype(np.int32)
    return replace(samples, attributes={**samples.attributes, "category": Attribute(tuple("abcd"), codes)})


def test_a_net_with_attributes_and_two_start_symbols_is_saved_and_loaded(tmp_path: Path) -> None:
    samples = with_categories(markov_samples(users=30, items=12, predictability=0.9, seed=1))
    config = GruConfig(
        user_embedding="none",
        item_embedding=8,
        hidden=8,
        layers=1,
        state_dim="none",
        tied=True,
        attributes=("category",),
        training=TrainingConfig(both_ways=True),
    )
    model = SequencerRecommender(net_of(config, samples))
    model.save(tmp_path)
    again = SequencerRecommender.load(tmp_path, config)
    histories = samples.holdouts["test"].histories
    np.testing.assert_array_equal(again.recommend(histories, 5).scores, model.recommend(histories, 5).scores)
    assert again.net.item_embedding.num_embeddings == len(samples.items) + 2


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ValidationError, match="item_embedding 250 is not a multiple of heads 8"):
        TransformerConfig(item_embedding=250)
