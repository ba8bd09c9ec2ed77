"""Every option of a net does something: what a typo in its wiring would switch off without a word."""

from functools import cache

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples

from hm_pipeline.data.arrays import Float32
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.sequencer import fit_sequencer, net_of
from hm_pipeline.models.sequencer_config import Dressed, LstmConfig, TransformerConfig
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.config import FullSoftmax, SampledSoftmax, TrainingConfig

LSTM = {"user_embedding": 4, "item_embedding": 8, "state_dim": 8, "hidden": 8, "layers": 2}
TRANSFORMER = {"user_embedding": 4, "item_embedding": 8, "heads": 2, "feed_forward": 8, "head": (8,)}
TRAINING = {"batch_targets": 64, "max_lr": 1e-2, "cycle_epochs": 1, "max_epochs": 1}


@cache
def shoppers() -> Samples:
    return markov_samples(users=60, items=30, predictability=0.9, seed=1)


@cache
def plain(kind: type[Dressed]) -> Float32:
    return scores(kind, {}, {})


def scores(kind: type[Dressed], options: dict[str, object], training: dict[str, object]) -> Float32:
    """What a net of one epoch thinks of every item, for everybody."""
    sizes = LSTM if kind is LstmConfig else TRANSFORMER
    config = kind(**{**sizes, **options}, training=TrainingConfig(**{**TRAINING, **training}))  # type: ignore[arg-type]
    model = fit_sequencer(config, shoppers(), FitContext(k=3)).model  # type: ignore[arg-type]
    assert isinstance(model, SequencerRecommender)
    return np.asarray(model.scorer()(shoppers().holdouts["test"].histories))


def test_the_same_options_make_the_same_net() -> None:
    np.testing.assert_array_equal(scores(LstmConfig, {}, {}), plain(LstmConfig))


@pytest.mark.parametrize(
    "options",
    [
        {"attributes": ("category",)},
        {"item_dropout": 0.5},
        {"embedding_dropout": 0.5},
        {"query_dropout": 0.5},
        {"layer_dropout": 0.5},
        {"popularity_bias": True},
        {"tied": True},
    ],
    ids=str,
)
def test_an_option_of_the_net_makes_another_one(options: dict[str, object]) -> None:
    assert not np.array_equal(scores(LstmConfig, options, {}), plain(LstmConfig))


@pytest.mark.parametrize("options", [{"block_dropout": 0.5}, {"norm_first": True}, {"blocks": 2}], ids=str)
def test_an_option_of_the_transformer_makes_another_one(options: dict[str, object]) -> None:
    assert not np.array_equal(scores(TransformerConfig, options, {}), plain(TransformerConfig))


@pytest.mark.parametrize(
    "training",
    [
        {"both_ways": True},
        {"horizon": 3},
        {"unknown_user_share": 0.9},
        {"clip_norm": 1e-3},
        {"max_history": 4},
        {"seed": 2},
        {"loss": FullSoftmax(label_smoothing=0.2)},
        {"loss": SampledSoftmax(negatives=8)},
    ],
    ids=str,
)
def test_an_option_of_training_makes_another_net(training: dict[str, object]) -> None:
    assert not np.array_equal(scores(LstmConfig, {}, training), plain(LstmConfig))


def test_a_popularity_bias_starts_at_the_items_shares() -> None:
    counts_V = torch.from_numpy(shoppers().counts).double()
    net = net_of(LstmConfig(**LSTM, popularity_bias=True), shoppers())  # type: ignore[arg-type]
    share_V = torch.softmax(net.item_bias[1:, 0].double(), 0)
    torch.testing.assert_close(share_V, counts_V[1:] / counts_V.sum(), rtol=1e-3, atol=1e-4)
