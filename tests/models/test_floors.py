"""Repeat, popularity, itemknn and markov, worked by hand and against brute force."""

import numpy as np
import pytest
from markov_shoppers import markov_samples

from hm_pipeline.data.arrays import Sparse
from hm_pipeline.data.histories import Histories
from hm_pipeline.models import cooccurrence, repeat
from hm_pipeline.models.cooccurrence import Similarity, similarities
from hm_pipeline.models.fit import fit
from hm_pipeline.models.itemknn import ItemKnn, ItemKnnConfig, MarkovConfig
from hm_pipeline.models.popularity import Popularity
from hm_pipeline.models.repeat import Repeat
from hm_pipeline.progress import silent


def test_popularity_by_hand() -> None:
    lists = Popularity(np.array([0, 9, 7, 7, 1])).recommend(Histories.of([[], [1], [2, 3]]), 3)
    assert lists.items.tolist() == [[1, 2, 3], [2, 3, 4], [1, 2, 4]]
    assert lists.scores[0].tolist() == [9, 7, 7]


def test_repeat_orders_by_count_then_recency_and_fills_by_popularity() -> None:
    #        4 twice, then 5 (later) before 6; the last item, 2, is left out; 1 and 3 are the fill
    history = [4, 6, 4, 5, 2]
    lists = Repeat(8).recommend(Histories.of([history, []]), 5)
    assert lists.items.tolist() == [[4, 5, 6, 1, 3], [1, 2, 3, 4, 5]]


def test_a_heavy_user_changes_nobodys_list_and_makes_nobodys_block_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(1)
    rows = [draw.integers(1, 900, size=size).tolist() for size in draw.integers(0, 60, size=300)]
    histories = Histories.of([*rows[:100], draw.integers(1, 900, size=5000).tolist(), *rows[100:]])
    blocks: list[int] = []

    def listened(block: Histories, size: int) -> Sparse:
        blocks.append(len(block))
        return made(block, size)

    made = repeat.own_items
    monkeypatch.setattr(repeat, "own_items", listened)
    together = Repeat(900).recommend(histories, 5)
    assert len(blocks) < 10, "rows of like length are answered together"
    alone = [Repeat(900).recommend(histories.take(slice(row, row + 1)), 5) for row in range(len(histories))]
    np.testing.assert_array_equal(together.items, np.concatenate([lists.items for lists in alone]))
    np.testing.assert_array_equal(together.scores, np.concatenate([lists.scores for lists in alone]))


def test_similarity_by_hand() -> None:
    # a b c: C[a,b] = 1, C[a,c] = 1/2, C[b,c] = 1, and half of each backwards
    train = Histories.of([[1, 2, 3]])
    s = similarities(train, np.array([0, 1, 1, 1]), _weighing(damping=0.3), silent, "")
    expected = [[0, 0, 0, 0], [0, 0, 1, 0.5], [0, 0.5, 0, 1], [0, 0.25, 0.5, 0]]
    np.testing.assert_allclose(s.toarray(), expected)


def test_itemknn_votes_by_hand() -> None:
    s = np.zeros((5, 5))
    s[1, 3], s[1, 4], s[2, 4] = 1.0, 0.2, 1.0
    model = ItemKnn(cooccurrence.sparse.csr_matrix(s), max_history=2, decay=0.6)
    # 2 is cut off by max_history, 1 votes with .6 (age 1), the last item 4 with 1, for nobody
    lists = model.recommend(Histories.of([[2, 1, 4]]), 3)
    assert lists.items.tolist() == [[3, 1, 2]]
    np.testing.assert_allclose(lists.scores, [[0.6, 0, 0]])


@pytest.mark.parametrize("block", [1, 100, 10**6])
def test_similarities_in_blocks_equal_the_definition(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cooccurrence, "BLOCK_INTERACTIONS", block)
    samples = markov_samples(users=40, items=20, predictability=0.3, seed=2)
    built = similarities(samples.train, samples.counts, _weighing(damping=0.3), silent, "")
    np.testing.assert_allclose(built.toarray(), _definition(samples.train, samples.counts), rtol=1e-6)


def test_max_neighbours_keeps_the_strongest_and_ties_go_to_the_lower_index() -> None:
    train = Histories.of([[1, 2], [1, 4], [1, 3], [1, 4]])
    counts = np.array([0, 4, 1, 1, 2])
    s = similarities(train, counts, _weighing(damping=0.0, max_neighbours=2), silent, "")
    assert s.toarray()[1].tolist() == [0, 0, 1, 0, 2]


def test_markov_is_itemknn_with_one_item_forward_and_undamped() -> None:
    samples = markov_samples(users=40, items=20, predictability=0.3, seed=2)
    asked = samples.holdouts["test"].histories
    markov = fit(MarkovConfig(), samples).model.recommend(asked, 5)
    same = ItemKnnConfig(backward=0, damping=0, max_history=1, decay=1.0)
    np.testing.assert_array_equal(markov.items, fit(same, samples).model.recommend(asked, 5).items)


def _weighing(damping: float, max_neighbours: int | None = None) -> Similarity:
    return Similarity(1.0, 0.5, 10, damping, max_neighbours)


def _definition(train: Histories, counts: np.ndarray) -> np.ndarray:
    c = np.zeros((len(counts), len(counts)))
    for row in range(len(train)):
        for p, i in enumerate(train[row]):
            for d, j in enumerate(train[row][p + 1 : p + 11], start=1):
                c[i, j] += 1 / d
                c[j, i] += 0.5 / d
    n = np.maximum(counts, 1) ** 0.3
    return c / n[:, None] / n[None, :]
