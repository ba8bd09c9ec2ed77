"""Lists that hold nothing a user has seen: the model's full ranking, less the history."""

import numpy as np
import pytest
from hard_vectors import items as hard_items
from markov_shoppers import markov_samples

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.index import Nearest
from hm_pipeline.index.search import AnnoySearch, FaissSearch
from hm_pipeline.index.tuning import built, recall
from hm_pipeline.models.als import Als
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.factors import Factors
from hm_pipeline.models.fit import fit
from hm_pipeline.models.itemknn import ItemKnnConfig
from hm_pipeline.models.popularity import Popularity, PopularityConfig
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import RepeatConfig
from hm_pipeline.models.sequencer_config import LstmConfig
from hm_pipeline.retrieval import answer as answer_module
from hm_pipeline.retrieval import unseen
from hm_pipeline.retrieval.answer import answer, default_list
from hm_pipeline.training.config import TrainingConfig

K, ITEMS = 5, 30
CONFIGS: dict[str, ModelConfig] = {
    "popularity": PopularityConfig(),
    "repeat": RepeatConfig(),
    "itemknn": ItemKnnConfig(),
    "als": AlsConfig(factors=8, iterations=3),
    "aals": AalsConfig(factors=8, iterations=3),
    "lstm": LstmConfig(
        user_embedding=4,
        item_embedding=8,
        layers=1,
        hidden=8,
        state_dim=8,
        training=TrainingConfig(max_epochs=1),
    ),
}


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=80, items=ITEMS, predictability=0.5, seed=4)


@pytest.fixture(scope="module", params=CONFIGS)
def release(request: pytest.FixtureRequest, samples: Samples) -> Release:
    config = CONFIGS[request.param]
    return Release(config, fit(config, samples).model, samples.items, samples.users)


@pytest.fixture(scope="module")
def histories(samples: Samples) -> Histories:
    """Those of the samples, with an empty one, one that has seen nearly all and one that has seen all."""
    rows = [samples.train[row].tolist() for row in range(len(samples.train))]
    nearly = [item for item in range(1, ITEMS + 1) if item not in (7, 11)]
    return Histories.of([*rows[:40], [], nearly, [*rows[0], 3, 3], list(range(1, ITEMS + 1)), *rows[40:]])


def unseen_lists(release: Release, histories: Histories, **options: object) -> Recommendations:
    return answer(release, histories, release.items, release.users, K, exclude_seen=True, **options)  # type: ignore[arg-type]


def test_a_list_is_the_full_ranking_less_the_history(release: Release, histories: Histories) -> None:
    lists = unseen_lists(release, histories)
    everything = release.model.recommend(histories, ITEMS)
    assert lists.items.shape == lists.scores.shape == (len(histories), K)
    for row in range(len(histories)):
        left = [i for i in everything.items[row].tolist() if i > 0 and i not in set(histories[row].tolist())]
        assert lists.items[row].tolist() == (left + [-1] * K)[:K]


def test_no_item_of_the_history_is_in_the_list(release: Release, histories: Histories) -> None:
    plain = answer(release, histories, release.items, release.users, K)
    assert _seen_places(plain, histories) > 0, "or else there is nothing to exclude"
    lists = unseen_lists(release, histories)
    assert _seen_places(lists, histories) == 0
    assert all(len(set(row)) == K for row in lists.items[:40].tolist()), "and the places are filled"
    assert (lists.items[:40] > 0).all()


def _seen_places(lists: Recommendations, histories: Histories) -> int:
    return sum(int(np.isin(lists.items[row], histories[row]).sum()) for row in range(len(histories)))


def test_the_list_is_short_where_little_is_left(release: Release, histories: Histories) -> None:
    lists = unseen_lists(release, histories)
    assert sorted(lists.items[41].tolist()) == [-1, -1, -1, 7, 11]
    assert lists.items[43].tolist() == [-1] * K
    assert np.isneginf(lists.scores[lists.items < 0]).all()
    assert np.isfinite(lists.scores[lists.items > 0]).all()


def test_an_empty_history_loses_nothing(release: Release, histories: Histories) -> None:
    whole = answer(release, histories.take(slice(40, 41)), release.items, release.users, K)
    np.testing.assert_array_equal(unseen_lists(release, histories).items[40], whole.items[0])


def test_the_default_list_is_as_it_was(release: Release) -> None:
    nobody = unseen_lists(release, Histories.of([[]]))
    np.testing.assert_array_equal(nobody.items, default_list(release, release.items, K).items)


def test_what_is_not_allowed_stays_out(release: Release, histories: Histories) -> None:
    allowed = np.arange(ITEMS + 1) % 2 == 1
    lists = unseen_lists(release, histories, allowed=allowed)
    assert allowed[lists.items[lists.items > 0]].all()
    seen_alone = histories.take(slice(41, 42))
    assert sorted(unseen_lists(release, seen_alone, allowed=allowed).items[0].tolist()) == [-1, -1, -1, 7, 11]


def test_blocks_change_nothing(
    release: Release, histories: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = unseen_lists(release, histories)
    monkeypatch.setattr(answer_module, "BLOCK_ROWS", 7)
    monkeypatch.setattr(unseen, "BLOCK_PLACES", 30)
    np.testing.assert_array_equal(unseen_lists(release, histories).items, whole.items)


@pytest.mark.parametrize("search", [AnnoySearch(), FaissSearch()], ids=lambda search: search.kind)
@pytest.mark.parametrize("seen", [4, 60])
def test_what_was_seen_costs_no_recall(search: AnnoySearch | FaissSearch, seen: int) -> None:
    factors = Factors(0.2 * hard_items(3000, 16, seed=1), None, 10.0, 0.1)
    exact = Als(factors, Nearest("exact", factors.items))
    shoppers = Histories.of(np.random.default_rng(2).integers(1, 3000, size=(200, 3)).tolist())
    # who has seen what the model finds best: the unseen ones lie further down
    liked = Histories.of(exact.recommend(shoppers, seen).items.tolist())
    model = Als(factors, built(search, factors.items, factors.queries(liked), liked.last, K)[0])
    found, truth = (unseen.recommend_unseen(each, liked, K).items for each in (model, exact))
    assert recall(found, truth) >= search.recall_target - 0.02


def test_what_the_release_does_not_know_is_seen_all_the_same() -> None:
    release = Release(
        PopularityConfig(),
        Popularity(np.array([0, 9, 8, 7, 6])),
        Vocabulary.of(["a", "b", "c", "d"]),
        Vocabulary.of([]),
    )
    callers = Vocabulary.of(["x", "d", "b", "a", "c"])
    lists = answer(release, Histories.of([[4, 1, 4, 1]]), callers, Vocabulary.of([]), 3, exclude_seen=True)
    # a and x are seen, x is also unknown to the release
    assert callers.decode(lists.items[0]).to_list() == ["b", "c", "d"]


def test_a_long_history_makes_nobody_elses_question_longer() -> None:
    class Listener(Popularity):
        def recommend(self, histories: Histories, k: int, **options: object) -> Recommendations:  # type: ignore[override]
            questions.append((len(histories), k))
            return super().recommend(histories, k)

    questions: list[tuple[int, int]] = []
    histories = Histories.of([[1, 2, 1], [], list(range(1, 1001)), [4, 9]])
    unseen.recommend_unseen(Listener(np.arange(2000)[::-1]), histories, K)
    assert questions == [(1, K), (2, K + 2), (1, K + 1024)]
