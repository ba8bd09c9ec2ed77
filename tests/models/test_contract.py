"""What holds for every model. A new kind joins with one line in CONFIGS."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from markov_shoppers import markov_samples

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.index.search import AnnoySearch
from hm_pipeline.models import blocks
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit, load_model
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.itemknn import ItemKnnConfig, MarkovConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.models.recommender import Recommender
from hm_pipeline.models.repeat import RepeatConfig
from hm_pipeline.models.sequencer_config import (
    AttentionConfig,
    GruConfig,
    LstmConfig,
    RnnConfig,
    TransformerConfig,
)
from hm_pipeline.training.config import TrainingConfig

K = 5
SMALL: dict[str, Any] = {
    "user_embedding": 4,
    "item_embedding": 8,
    "training": TrainingConfig(max_epochs=1),
}
RECURRENT = SMALL | {"layers": 1, "hidden": 8, "state_dim": 8}
CONFIGS: dict[str, ModelConfig] = {
    "popularity": PopularityConfig(),
    "repeat": RepeatConfig(),
    "itemknn": ItemKnnConfig(),
    "markov": MarkovConfig(),
    "als": AlsConfig(factors=8, iterations=5),
    "als of trained users": AlsConfig(factors=8, iterations=5, fold_in=False),
    "aals": AalsConfig(factors=8, iterations=5),
    "aals by dot": AalsConfig(factors=8, iterations=5, metric="dot", fold_in=False),
    "als by Annoy": AlsConfig(factors=8, iterations=5, search=AnnoySearch(trees=2)),
    "rnn": RnnConfig(**RECURRENT),
    "lstm": LstmConfig(**RECURRENT),
    "gru": GruConfig(**RECURRENT),
    "gru by Annoy": GruConfig(**RECURRENT, search=AnnoySearch(trees=2)),
    "attention": AttentionConfig(**RECURRENT),
    "transformer": TransformerConfig(**SMALL, heads=2, feed_forward=16, head=(8,)),
    "three grus": GruConfig(**RECURRENT, members=3),
    "two grus by Annoy": GruConfig(**RECURRENT, members=2, search=AnnoySearch(trees=2)),
    "blend": BlendConfig(net=GruConfig(**RECURRENT)),
}
LEARNS_ORDER = {
    "itemknn": 0.4,
    "markov": 0.6,
    "blend": 0.4,
}  # and beats popularity by at least this on predictable shoppers


def test_every_kind_of_model_is_here() -> None:
    assert _kinds(ModelConfig) == {config.kind for config in CONFIGS.values()}


def _kinds(model: Any) -> set[str]:
    """Of one configuration, or of a union and those within it."""
    if isinstance(model, type):
        return {model.model_fields["kind"].default}  # type: ignore[attr-defined]
    return {kind for part in get_args(model) for kind in _kinds(part)}


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=60, items=30, predictability=0.9, seed=1)


@pytest.fixture(scope="module", params=CONFIGS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str, samples: Samples) -> Recommender:
    return fit(CONFIGS[kind], samples, FitContext(k=K)).model


@pytest.fixture(scope="module")
def asked(samples: Samples) -> Histories:
    return samples.holdouts["test"].histories


def test_lists_are_full_distinct_and_best_first(model: Recommender, asked: Histories) -> None:
    lists = model.recommend(asked, K)
    assert lists.items.shape == (len(asked), K)
    assert (lists.items > 0).all()
    assert all(len(set(row)) == K for row in lists.items.tolist())
    assert (np.diff(lists.scores, axis=1) <= 0).all()


def test_ties_go_to_the_lower_index(model: Recommender, asked: Histories) -> None:
    lists = model.recommend(asked, K)
    tied = np.diff(lists.scores, axis=1) == 0
    assert (np.diff(lists.items, axis=1)[tied] > 0).all()


def test_the_raw_last_item_is_never_recommended(model: Recommender, samples: Samples) -> None:
    alone = Histories.of([[item] for item in range(1, len(samples.items))])
    assert not (model.recommend(alone, len(samples.items)).items == alone.last[:, None]).any()


def test_what_is_not_allowed_is_not_recommended(
    model: Recommender, samples: Samples, asked: Histories
) -> None:
    allowed = np.arange(len(samples.items)) % 3 == 1
    items = model.recommend(asked, K, allowed=allowed).items
    assert allowed[items[items > 0]].all()
    assert (items > 0).all(), "ten items are allowed: five places can be filled"


def test_a_list_is_short_only_where_nothing_is_left(model: Recommender, samples: Samples) -> None:
    allowed = np.zeros(len(samples.items), dtype=np.bool_)
    allowed[[2, 3]] = True
    lists = model.recommend(Histories.of([[4, 3], []]), K, allowed=allowed)
    assert lists.items[0].tolist() == [2, -1, -1, -1, -1]
    assert sorted(lists.items[1].tolist()) == [-1, -1, -1, 2, 3]
    assert np.isneginf(lists.scores[lists.items < 0]).all()


def test_an_unknown_user_is_answered_from_the_history_alone(model: Recommender, asked: Histories) -> None:
    assert (model.recommend(asked.anonymous(), K).items > 0).all()


def test_an_empty_history_gets_a_full_list(model: Recommender) -> None:
    assert (model.recommend(Histories.of([[]]), K).items > 0).all()


def test_no_history_at_all_is_no_row(model: Recommender) -> None:
    assert model.recommend(Histories.of([]), K).items.shape == (0, K)


def test_a_row_does_not_depend_on_its_block(
    model: Recommender, asked: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.recommend(asked, K)
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 100)
    cut = model.recommend(asked, K)
    np.testing.assert_allclose(whole.scores, cut.scores, rtol=1e-4, atol=1e-5)
    assert (whole.items == cut.items).mean() > 0.99  # scores a rounding apart may change places


def test_what_was_saved_answers_the_same(
    model: Recommender, kind: str, asked: Histories, tmp_path: Path
) -> None:
    model.save(tmp_path)
    loaded = load_model(tmp_path, CONFIGS[kind])
    before, after = model.recommend(asked, K), loaded.recommend(asked, K)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.scores, after.scores)


def test_nothing_of_what_was_saved_is_a_pickle(model: Recommender, tmp_path: Path) -> None:
    model.save(tmp_path)
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        assert file.suffix in {".npy", ".npz", ".json", ".safetensors", ".ann"}, file
        if file.suffix in {".npy", ".npz"}:
            np.load(file, allow_pickle=False)


def test_without_user_rows_everybody_is_the_unknown_user(
    model: Recommender, kind: str, asked: Histories, tmp_path: Path
) -> None:
    model.save(tmp_path)
    (tmp_path / "user_rows.npy").unlink(missing_ok=True)
    loser = load_model(tmp_path, CONFIGS[kind]).recommend(asked, K)
    np.testing.assert_allclose(
        loser.scores, model.recommend(asked.anonymous(), K).scores, rtol=1e-4, atol=1e-5
    )


def test_zeroed_user_rows_tell_nobody_apart(
    model: Recommender, kind: str, samples: Samples, tmp_path: Path
) -> None:
    model.save(tmp_path)
    rows = tmp_path / "user_rows.npy"
    if rows.exists():
        np.save(rows, np.zeros_like(np.load(rows)))
    everybody = list(range(1, len(samples.users)))
    same = Histories.of([[1, 2, 3]] * len(everybody), users=everybody)
    scores = load_model(tmp_path, CONFIGS[kind]).recommend(same, K).scores
    np.testing.assert_allclose(scores, np.broadcast_to(scores[0], scores.shape), rtol=1e-4, atol=1e-5)


def test_the_same_inputs_give_the_same_bytes(kind: str, samples: Samples, tmp_path: Path) -> None:
    saved = []
    for attempt in ("once", "again"):
        fit(CONFIGS[kind], samples, FitContext(k=K)).model.save(tmp_path / attempt)
        saved.append({f.name: f.read_bytes() for f in (tmp_path / attempt).rglob("*") if f.is_file()})
    assert saved[0] == saved[1]


@pytest.mark.parametrize("ordered", LEARNS_ORDER)
def test_predictable_shoppers_are_learned(ordered: str) -> None:
    gain = _hit_rate(ordered, predictability=0.9) - _hit_rate("popularity", predictability=0.9)
    assert gain > LEARNS_ORDER[ordered], gain


@pytest.mark.parametrize("ordered", LEARNS_ORDER)
def test_noise_is_not_learned(ordered: str) -> None:
    gain = _hit_rate(ordered, predictability=0.0) - _hit_rate("popularity", predictability=0.0)
    assert gain < 0.1, gain  # three standard errors of 300 users at five of thirty items


def _hit_rate(kind: str, predictability: float) -> float:
    samples = markov_samples(users=300, items=30, predictability=predictability, seed=3)
    holdout = samples.holdouts["test"]
    lists = fit(CONFIGS[kind], samples).model.recommend(holdout.histories, K)
    return float((lists.items == holdout.targets[:, None]).any(axis=1).mean())
