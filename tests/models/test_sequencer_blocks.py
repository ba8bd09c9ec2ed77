"""A net's answers to many: the same whatever the blocks, and no more held than was said."""

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Holdout
from hm_pipeline.errors import ModelError
from hm_pipeline.index import top_k
from hm_pipeline.models import best_k, sequencer_recommender
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.config import TrainingConfig

V, K = 700, 9


def net(tied: bool = False, max_history: int = 12) -> SequencerRecommender:
    training = TrainingConfig(max_history=max_history)
    sizes = {"item_embedding": 8, "hidden": 8, "state_dim": 8, "layers": 1, "user_embedding": 4}
    return SequencerRecommender(Sequencer(GruConfig(**sizes, tied=tied, training=training), V, U=20))


@pytest.fixture(scope="module")
def holdout() -> Holdout:
    draw = np.random.default_rng(3)
    rows = [draw.integers(1, V, size=draw.integers(0, 30)).tolist() for _ in range(300)]
    histories = Histories.of(rows, users=draw.integers(0, 25, size=300).tolist())
    return Holdout(histories, draw.integers(0, V, size=300).astype(np.int32), {})


@pytest.mark.parametrize("tied", [False, True])
def test_a_list_is_the_best_of_the_scores(holdout: Holdout, tied: bool) -> None:
    model, histories = net(tied), holdout.histories
    allowed = np.arange(V) % 3 > 0
    for mask in (None, allowed):
        wanted = top_k(model.scorer()(histories), K, excluded=histories.last, allowed=mask)
        lists = model.recommend(histories, K, allowed=mask)
        np.testing.assert_allclose(lists.scores, wanted.scores, rtol=0, atol=1e-5)
        assert (lists.items == wanted.items).mean() > 0.99, "scores that are equal but for rounding may swap"
        assert not (lists.items == histories.last[:, None]).any()


@pytest.mark.parametrize("constant", ["BLOCK_ROWS", "BLOCK_SCORES", "PANEL", "BLOCK_POSITIONS"])
def test_the_size_of_a_block_changes_nothing(
    holdout: Holdout, constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = net()
    whole, rate = model.recommend(holdout.histories, K), model.hit_rate(holdout, 100)
    module = sequencer_recommender if constant == "BLOCK_POSITIONS" else best_k
    monkeypatch.setattr(module, constant, {"BLOCK_ROWS": 7, "BLOCK_SCORES": 5000}.get(constant, 64))
    cut = model.recommend(holdout.histories, K)
    np.testing.assert_allclose(cut.scores, whole.scores, rtol=0, atol=1e-5)
    assert (cut.items == whole.items).mean() > 0.99
    assert model.hit_rate(holdout, 100) == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize("k", [1, 40, V, 2 * V])
def test_the_hit_rate_is_that_of_the_lists(holdout: Holdout, k: int) -> None:
    model = net()
    found = (model.recommend(holdout.histories, k).items == holdout.targets[:, None]).any(axis=1)
    assert model.hit_rate(holdout, k) == found.mean()


def test_with_room_for_all_only_what_cannot_be_listed_is_missed(holdout: Holdout) -> None:
    missed = (holdout.targets == 0) | (holdout.targets == holdout.histories.last)
    assert net().hit_rate(holdout, V) == 1 - missed.mean()


def test_blocks_hold_no_more_positions_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    model, widths = net(max_history=50), []
    encode = model.net.encode
    monkeypatch.setattr(
        model.net, "encode", lambda items, *rest: widths.append(items.shape) or encode(items, *rest)
    )
    monkeypatch.setattr(sequencer_recommender, "BLOCK_POSITIONS", 200)
    histories = Histories.of([[1 + i % 9] * (i % 60) for i in range(240)])
    model.recommend(histories, K)
    assert sum(rows for rows, _ in widths) == 240
    assert max(rows * width for rows, width in widths) <= 200


def test_the_item_vectors_are_asked_for_once(holdout: Holdout, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Sequencer):
        @property
        def vectors(self) -> torch.Tensor:
            asked.append(1)
            return super().vectors

    asked: list[int] = []
    model = net()
    model.net.__class__ = Counting
    monkeypatch.setattr(best_k, "BLOCK_ROWS", 10)
    model.recommend(holdout.histories, K)
    assert len(asked) == 1


def test_weights_that_are_no_numbers_are_an_error_and_no_hits(holdout: Holdout) -> None:
    model = net()
    with torch.no_grad():
        model.net.item_bias[5] = torch.nan
    with pytest.raises(ModelError, match="a score that is NaN"):
        model.hit_rate(holdout, K)


def test_a_net_in_training_leaves_no_trace_of_being_asked() -> None:
    samples = markov_samples(users=30, items=V - 1, seed=1)
    model = net()
    before = {name: tensor.clone() for name, tensor in model.net.state_dict().items()}
    model.hit_rate(samples.holdouts["validation"], K)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.net.state_dict().items())
    assert all(parameter.grad is None for parameter in model.net.parameters())
