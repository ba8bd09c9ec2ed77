"""A net and itemknn together."""

from pathlib import Path

import numpy as np
import pytest
from markov_shoppers import markov_samples

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.blend import WEIGHT, Blend
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext, Fitted
from hm_pipeline.models.itemknn import ItemKnnConfig
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.training.config import TrainingConfig

K = 3


def config_of(*weights: float) -> BlendConfig:
    training = TrainingConfig(batch_targets=256, max_lr=1e-2, cycle_epochs=2, max_epochs=2)
    net = GruConfig(user_embedding=4, item_embedding=16, layers=1, hidden=16, state_dim=16, training=training)
    return BlendConfig(net=net, itemknn=ItemKnnConfig(backward=0), weights=weights)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=200, items=30, predictability=0.9, seed=1)


@pytest.fixture(scope="module")
def chosen(samples: Samples) -> Fitted:
    return fit(config_of(0.0, 0.5, 1.0, 4.0), samples, FitContext(k=K))


def hits(fitted: Fitted, samples: Samples) -> int:
    holdout = samples.holdouts["validation"]
    return int((fitted.model.recommend(holdout.histories, K).items == holdout.targets[:, None]).sum())


def test_the_weight_with_most_hits_on_validation_is_kept(chosen: Fitted, samples: Samples) -> None:
    by_weight = {w: hits(fit(config_of(w), samples, FitContext(k=K)), samples) for w in (0.0, 0.5, 1.0, 4.0)}
    assert len(set(by_weight.values())) > 1, "nothing to choose between"
    assert hits(chosen, samples) == max(by_weight.values())
    assert by_weight[chosen.report.facts[WEIGHT]] == max(by_weight.values())


def test_without_weight_it_is_the_net_alone(samples: Samples) -> None:
    blend = fit(config_of(0.0), samples, FitContext(k=K)).model
    alone = fit(config_of(0.0).net, samples, FitContext(k=K)).model
    histories = samples.holdouts["test"].histories
    np.testing.assert_array_equal(blend.recommend(histories, 5).items, alone.recommend(histories, 5).items)


def test_a_refit_repeats_the_epochs_and_the_weight(chosen: Fitted) -> None:
    everything = markov_samples(users=200, items=30, predictability=0.9, seed=1, protocol="refit")
    again = fit(config_of(0.0, 0.5, 1.0, 4.0), everything, FitContext(k=K, refit=chosen.report))
    assert again.report.stopped == "refit"
    assert again.report.epochs[-1].epoch == pytest.approx(chosen.report.chosen_epochs, abs=0.1)
    assert again.report.facts[WEIGHT] == chosen.report.facts[WEIGHT]


def test_who_has_no_history_is_answered_by_the_net(chosen: Fitted) -> None:
    blend = chosen.model
    assert isinstance(blend, Blend)
    nobody = Histories.of([[]])
    assert np.unique(blend.log_shares(nobody)).size == 1
    np.testing.assert_array_equal(blend.recommend(nobody, 5).items, blend.net.recommend(nobody, 5).items)


def test_it_needs_both_parts_to_load(chosen: Fitted, samples: Samples, tmp_path: Path) -> None:
    chosen.model.save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} >= {"weights.safetensors", "weight.npy", "itemknn"}
    again = Blend.load(tmp_path, config_of(0.0, 0.5, 1.0, 4.0))
    histories = samples.holdouts["test"].histories
    np.testing.assert_array_equal(
        again.recommend(histories, 5).scores, chosen.model.recommend(histories, 5).scores
    )
