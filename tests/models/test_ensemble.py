"""An ensemble answers with the mean of its members' logits, and each of them learns for itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples
from torch import Tensor

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.ensemble import Ensemble
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.release import Release, forget
from hm_pipeline.models.sequencer import batch_loss, fit_sequencer, net_of, plan_of
from hm_pipeline.models.sequencer_config import GruConfig, SequencerConfig, TransformerConfig
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.batches import Batch
from hm_pipeline.training.config import FullSoftmax, TrainingConfig
from hm_pipeline.training.losses import Objective

TRAINING = TrainingConfig(batch_targets=64, max_lr=1e-2, cycle_epochs=2, max_epochs=2)
GRU = GruConfig(
    members=3,
    user_embedding=4,
    item_embedding=8,
    state_dim=8,
    hidden=8,
    layers=1,
    attributes=("category",),
    popularity_bias=True,
    training=TRAINING,
)
TRANSFORMER = TransformerConfig(
    members=2,
    user_embedding="none",
    item_embedding=8,
    heads=2,
    feed_forward=8,
    head=(8,),
    tied=True,
    training=TRAINING,
)
each = pytest.mark.parametrize("config", [GRU, TRANSFORMER], ids=lambda config: config.kind)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=60, items=30, predictability=0.9, seed=1)


def trained(config: SequencerConfig, samples: Samples, context: FitContext | None = None) -> Ensemble:
    model = fit_sequencer(config, samples, context or FitContext(k=5)).model
    assert isinstance(model, SequencerRecommender)
    assert isinstance(model.net, Ensemble)
    return model.net


@each
def test_its_logits_are_the_mean_of_its_members(config: SequencerConfig, samples: Samples) -> None:
    ensemble, asked = trained(config, samples), samples.holdouts["test"].histories
    alone = [SequencerRecommender(net).scorer()(asked)[:, 1:] for net in ensemble.members]
    assert len(alone) == config.members
    assert not np.allclose(alone[0], alone[1])
    together = SequencerRecommender(ensemble).scorer()(asked)[:, 1:]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=0, atol=1e-5)


@each
def test_the_first_member_begins_as_the_net_alone_and_no_two_alike(
    config: SequencerConfig, samples: Samples
) -> None:
    ensemble, alone = net_of(config, samples), net_of(config.model_copy(update={"members": 1}), samples)
    assert isinstance(alone, Sequencer)
    first, *others = [net.state_dict() for net in ensemble.members]
    assert all(torch.equal(tensor, first[name]) for name, tensor in alone.state_dict().items())
    assert not any(
        torch.equal(one["item_embedding.weight"], first["item_embedding.weight"]) for one in others
    )


def gradients(net: Sequencer, loss: Tensor) -> dict[str, Tensor]:
    net.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    return {name: p.grad.to_dense() for name, p in net.named_parameters() if p.grad is not None}


@each
def test_a_member_learns_as_it_would_alone(config: SequencerConfig, samples: Samples) -> None:
    ensemble, objective = net_of(config, samples), Objective.of(FullSoftmax(), samples.counts)
    batch = next(iter(plan_of(config, samples, ensemble).batches(0)))
    for member in ensemble.members:
        alone = gradients(member, batch_loss(member, objective, batch))
        together = gradients(member, batch_loss(ensemble, objective, batch))
        assert alone.keys() == together.keys()
        for name, gradient in alone.items():
            torch.testing.assert_close(config.members * together[name], gradient, rtol=1e-4, atol=1e-7)


def test_members_hide_different_things_from_themselves(samples: Samples) -> None:
    config = GRU.model_copy(update={"members": 2, "embedding_dropout": 0.5})
    ensemble, objective = net_of(config, samples), Objective.of(FullSoftmax(), samples.counts)
    batch: Batch = next(iter(plan_of(config, samples, ensemble).batches(0)))
    first, second = ensemble.members
    second.load_state_dict(first.state_dict())
    alone = batch_loss(first, objective, batch)
    assert not torch.equal(batch_loss(ensemble, objective, batch), alone), "the second one's noise is its own"


def test_a_fit_that_was_interrupted_ends_the_same(samples: Samples, tmp_path: Path) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    whole = trained(GRU, samples).state_dict()
    with pytest.raises(KeyboardInterrupt):
        fit_sequencer(GRU, samples, FitContext(k=5, checkpoints=tmp_path, on_checkpoint=die))
    resumed = trained(GRU, samples, FitContext(k=5, checkpoints=tmp_path)).state_dict()
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_what_it_knows_of_a_user_is_one_row_and_can_be_forgotten(samples: Samples, tmp_path: Path) -> None:
    ensemble, asked = trained(GRU, samples), samples.holdouts["test"].histories
    model, gone = SequencerRecommender(ensemble), samples.users.ids[3]
    Release(GRU, model, samples.items, samples.users).save(tmp_path)
    rows = np.load(tmp_path / "model" / "user_rows.npy")
    assert rows.shape == (len(samples.users) - 1, 3 * 4)
    for number, net in enumerate(ensemble.members):
        assert net.user_embedding is not None
        own = net.user_embedding.weight[1:].detach().numpy()
        np.testing.assert_array_equal(rows[:, 4 * number : 4 * number + 4], own)
    loaded = Release.load(tmp_path).model.recommend(asked, 5)
    np.testing.assert_array_equal(loaded.scores, model.recommend(asked, 5).scores)
    assert forget(tmp_path, [gone]) == 1
    again = Release.load(tmp_path).model
    assert isinstance(again, SequencerRecommender)
    for net in again.net.members:
        assert net.user_embedding is not None
        assert not net.user_embedding.weight[4].any()
