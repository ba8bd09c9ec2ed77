"""The sequence models: exact where they must be exact, causal, and able to learn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples
from pydantic import ValidationError

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import DivergedError, EmptyWindowError
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.sequencer import batch_loss, fit_sequencer, load_sequencer, plan_of
from hm_pipeline.models.sequencer_config import (
    AttentionConfig,
    Dressed,
    GruConfig,
    LstmConfig,
    RnnConfig,
    SequencerConfig,
    TransformerConfig,
)
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.batches import BatchPlan
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax, TrainingConfig
from hm_pipeline.training.losses import Objective
from hm_pipeline.training.windows import Windows

KINDS: list[type[Dressed]] = [RnnConfig, LstmConfig, GruConfig, AttentionConfig, TransformerConfig]
each_kind = pytest.mark.parametrize("kind", KINDS)


def config_of(kind: type[Dressed] = LstmConfig, **changes: object) -> SequencerConfig:
    sizes: dict[str, object] = {"user_embedding": 4, "item_embedding": 16}
    if kind is TransformerConfig:
        sizes |= {"heads": 2, "feed_forward": 32, "head": (32, 16)}
    else:
        sizes |= {"layers": 2, "hidden": 32, "state_dim": 16}
    training = TrainingConfig(batch_targets=256, max_lr=1e-2, cycle_epochs=8, max_epochs=8)
    return kind(**({**sizes, "training": training} | changes))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def predictable() -> Samples:
    return markov_samples(users=200, items=30, predictability=0.9, seed=1)


def popularity_hit_rate(samples: Samples, k: int) -> float:
    holdout = samples.holdouts["test"]
    hits = 0
    for last, target in zip(holdout.histories.last, holdout.targets, strict=True):
        hits += target in [i for i in range(1, k + 2) if i != last][:k]
    return hits / len(holdout)


# --- One pass, many targets


def gradients(
    net: Sequencer, objective: Objective, windows: Windows
) -> tuple[float, dict[str, torch.Tensor]]:
    plan = BatchPlan(windows, net.start_symbol, batch_targets=10**9, unknown_user_share=0.0, seed=1)
    (batch,) = plan.batches(0)
    net.zero_grad(set_to_none=True)
    loss = batch_loss(net, objective, batch)
    loss.backward()
    found = {name: p.grad.to_dense() for name, p in net.named_parameters() if p.grad is not None}
    return float(loss.detach()), found


@each_kind
@pytest.mark.parametrize("tied", [False, True])
def test_one_pass_has_the_loss_and_gradients_of_one_sample_a_prefix(
    predictable: Samples, kind: type[Dressed], tied: bool
) -> None:
    config = config_of(kind, tied=tied)
    net = Sequencer(config, len(predictable.items), len(predictable.users)).double()
    objective = Objective.of(FullSoftmax(chunk_elements=3000), predictable.counts)
    assert predictable.train.lengths.max() <= 20
    one_pass = gradients(net, objective, Windows.one_pass(predictable.train, 20))
    prefixes = gradients(net, objective, Windows.by_prefix(predictable.train, 20))
    assert one_pass[0] == pytest.approx(prefixes[0], rel=1e-12)
    assert one_pass[1].keys() == prefixes[1].keys() == dict(net.named_parameters()).keys()
    for name, gradient in one_pass[1].items():
        torch.testing.assert_close(gradient, prefixes[1][name], rtol=1e-9, atol=1e-12, msg=name)
        assert gradient.abs().sum() > 0, f"{name} learns nothing"


def test_they_differ_once_a_history_is_longer_than_max_history(predictable: Samples) -> None:
    net = Sequencer(config_of(), len(predictable.items), len(predictable.users)).double()
    objective = Objective.of(FullSoftmax(), predictable.counts)
    one_pass = gradients(net, objective, Windows.one_pass(predictable.train, 5))
    assert one_pass[0] != pytest.approx(
        gradients(net, objective, Windows.by_prefix(predictable.train, 5))[0], rel=1e-9
    )


def test_by_prefix_each_target_has_a_window_with_exactly_its_past(predictable: Samples) -> None:
    net = Sequencer(config_of(), len(predictable.items), len(predictable.users))
    exact = config_of().training.model_copy(update={"by_prefix": True, "max_history": 5})
    plan = plan_of(net.config.model_copy(update={"training": exact}), predictable, net)
    wanted = Windows.by_prefix(predictable.train, 5)
    np.testing.assert_array_equal(plan.windows.targets, np.ones(predictable.train.lengths.sum()))
    np.testing.assert_array_equal(plan.windows.length, wanted.length)
    assert plan.windows.length.max() == 6, "the start symbol and five items"


@pytest.mark.parametrize("other", [{"both_ways": True}, {"horizon": 2}])
def test_by_prefix_there_is_one_target_and_one_way(other: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="by_prefix learns each target by itself"):
        TrainingConfig.model_validate({"by_prefix": True} | other)


def test_tables_get_gradients_of_the_touched_rows_only(predictable: Samples) -> None:
    net = Sequencer(config_of(), len(predictable.items), len(predictable.users))
    plan = BatchPlan(Windows.one_pass(predictable.train, 20), net.start_symbol, 20, 0.0, seed=1)
    batch = plan.gather(plan.epoch(0)[0], 0, 0)
    batch_loss(net, Objective.of(SampledSoftmax(negatives=4), predictable.counts), batch).backward()
    assert net.user_embedding is not None
    assert net.item_vectors is not None
    tables = (net.item_embedding, net.user_embedding, net.item_vectors)
    for table in (*(table.weight for table in tables), net.item_bias):
        assert table.grad is not None
        assert table.grad.is_sparse
    touched = net.user_embedding.weight.grad.coalesce().indices()[0]  # type: ignore[union-attr]
    assert set(touched.tolist()) == set(batch.users.tolist())


# --- The law of a body


@each_kind
def test_a_later_item_never_changes_an_earlier_state(kind: type[Dressed]) -> None:
    net = Sequencer(config_of(kind), V=50, U=3)
    items = torch.randint(1, 50, (4, 9), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = net.states(items, Noise())
        for position in range(1, 9):
            changed = items.clone()
            changed[:, position:] = (changed[:, position:] + 7) % 49 + 1
            after = net.states(changed, Noise())
            torch.testing.assert_close(after[:, :position], before[:, :position], rtol=0, atol=1e-6)
            assert not torch.allclose(after[:, position], before[:, position], atol=1e-4)


# --- Learning


@each_kind
@pytest.mark.parametrize("loss", [FullSoftmax(), SampledSoftmax(negatives=64)], ids=["full", "sampled"])
def test_predictable_shoppers_are_learned(
    predictable: Samples, kind: type[Dressed], loss: LossConfig
) -> None:
    config = config_of(kind)
    config = config.model_copy(update={"training": config.training.model_copy(update={"loss": loss})})
    model = fit_sequencer(config, predictable, FitContext(k=3)).model
    assert isinstance(model, SequencerRecommender)
    assert model.hit_rate(predictable.holdouts["test"], 3) > popularity_hit_rate(predictable, 3) + 0.4


def test_noise_is_not_learned() -> None:
    samples = markov_samples(users=300, items=30, predictability=0.0, seed=2)
    model = fit_sequencer(config_of(), samples, FitContext(k=3)).model
    assert isinstance(model, SequencerRecommender)
    assert model.hit_rate(samples.holdouts["test"], 3) < popularity_hit_rate(samples, 3) + 0.06


@pytest.mark.parametrize(
    "changes",
    [
        {"tied": True},
        {"tied": True, "attributes": ("category", "colour"), "item_dropout": 0.1},
        {"head": (24,), "state_dim": "none"},
        {
            "tied": True,
            "training": TrainingConfig(
                batch_targets=256, max_lr=1e-2, cycle_epochs=6, max_epochs=6, both_ways=True
            ),
        },
        {"user_embedding": "none"},
        {"popularity_bias": True, "query_dropout": 0.2, "layer_dropout": 0.2},
    ],
    ids=str,
)
def test_each_option_still_learns(predictable: Samples, changes: dict[str, object]) -> None:
    model = fit_sequencer(config_of(**changes), predictable, FitContext(k=3)).model
    assert isinstance(model, SequencerRecommender)
    assert model.hit_rate(predictable.holdouts["test"], 3) > popularity_hit_rate(predictable, 3) + 0.4


def test_a_loss_that_is_no_number_is_named(predictable: Samples) -> None:
    training = TrainingConfig(max_lr=1e30, start_divisor=1.0, clip_norm=None, batch_targets=64)
    with pytest.raises(DivergedError, match=r"lower training\.max_lr"):
        fit_sequencer(config_of(training=training), predictable)


def test_empty_histories_alone_cannot_be_learned_from(predictable: Samples) -> None:
    from dataclasses import replace

    nobody = replace(predictable.train, ends=predictable.train.starts)
    with pytest.raises(EmptyWindowError):
        fit_sequencer(config_of(), replace(predictable, train=nobody))


# --- Answering


@pytest.fixture(scope="module")
def trained(predictable: Samples) -> SequencerRecommender:
    config = config_of(
        training=TrainingConfig(batch_targets=256, max_lr=1e-2, cycle_epochs=2, max_epochs=2, max_history=6)
    )
    model = fit_sequencer(config, predictable).model
    assert isinstance(model, SequencerRecommender)
    return model


def test_answers_come_in_the_order_of_the_questions(
    trained: SequencerRecommender, predictable: Samples
) -> None:
    histories = predictable.holdouts["test"].histories
    together = trained.recommend(histories, 5)
    for row in range(0, len(histories), 17):
        alone = trained.recommend(histories.take(slice(row, row + 1)), 5)
        np.testing.assert_array_equal(together.items[row], alone.items[0])
    assert not (together.items == histories.last[:, None]).any()


def test_the_hit_rate_is_that_of_the_lists(trained: SequencerRecommender, predictable: Samples) -> None:
    holdout = predictable.holdouts["test"]
    lists = trained.recommend(holdout.histories, 5).items
    assert trained.hit_rate(holdout, 5) == pytest.approx((lists == holdout.targets[:, None]).any(1).mean())


def test_only_the_latest_items_are_read_and_the_start_symbol_only_with_the_first(
    trained: SequencerRecommender,
) -> None:
    long = [1, 2, 3, 4, 5, 6, 7, 8]
    queries = trained.encode(Histories.of([long, [9, 9, *long[2:]], long[2:]]))
    torch.testing.assert_close(queries[0], queries[1])
    assert not torch.allclose(queries[0], queries[2]), (
        "six items that are all there is begin with the start symbol"
    )


def test_an_empty_history_and_an_unknown_user_get_a_list(trained: SequencerRecommender) -> None:
    lists = trained.recommend(Histories.of([[], [3], [3]], users=[0, 0, 10**6]), 5)
    assert (lists.items > 0).all()
    np.testing.assert_array_equal(lists.items[1], lists.items[2])
    assert trained.recommend(Histories.of([]), 5).items.shape == (0, 5)


def test_only_allowed_items_are_recommended(trained: SequencerRecommender) -> None:
    allowed = np.zeros(trained.net.start_symbol, dtype=np.bool_)
    allowed[[2, 4, 6]] = True
    assert set(trained.recommend(Histories.of([[1, 2]]), 5, allowed=allowed).items[0]) == {4, 6, -1}


def test_it_is_saved_and_loaded_to_the_same_scores(
    trained: SequencerRecommender, predictable: Samples, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    histories = predictable.holdouts["test"].histories
    again = load_sequencer(tmp_path, trained.config).recommend(histories, 5)
    np.testing.assert_array_equal(again.scores, trained.recommend(histories, 5).scores)
    assert np.load(tmp_path / "user_rows.npy").shape == (len(predictable.users) - 1, 4)


def test_without_the_user_file_everybody_is_unknown(
    trained: SequencerRecommender, predictable: Samples, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    (tmp_path / "user_rows.npy").unlink()
    histories = predictable.holdouts["test"].histories
    again = load_sequencer(tmp_path, trained.config).recommend(histories, 5)
    np.testing.assert_array_equal(again.scores, trained.recommend(histories.anonymous(), 5).scores)
    assert (again.scores != trained.recommend(histories, 5).scores).any()


@each_kind
def test_loading_draws_nothing_and_holds_the_table_of_users_once(kind: type[Dressed], tmp_path: Path) -> None:
    config = config_of(kind, attributes=())
    SequencerRecommender(Sequencer(config, V=11, U=7)).save(tmp_path)
    before = torch.get_rng_state()
    net = SequencerRecommender.load(tmp_path, config).net
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(tensor.is_meta for tensor in (*net.parameters(), *net.buffers()))
    for name, tensor in Sequencer(config, V=11, U=7).state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor), name
