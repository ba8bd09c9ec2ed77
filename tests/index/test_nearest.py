"""What holds for every kind of search. A new kind joins with one line in SEARCHES."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hard_vectors import items, queries
from hypothesis import given, settings
from hypothesis import strategies as st

from hm_pipeline.data.arrays import Bool, Float32
from hm_pipeline.errors import ModelError
from hm_pipeline.index import Nearest, Search, top_k
from hm_pipeline.index.search import AnnoySearch, AutoSearch, Exact, FaissSearch
from hm_pipeline.index.tuning import Examination, built, recall

K, WIDTH = 14, 32
VECTORS = items(3000, WIDTH, seed=1)
QUERIES = queries(600, WIDTH, seed=1)
LAST = np.random.default_rng(3).integers(0, len(VECTORS), len(QUERIES)).astype(np.int32)
SEARCHES: dict[str, Search] = {
    "exact": Exact(),
    "annoy": AnnoySearch(recall_target=0.9),
    "faiss": FaissSearch(),
    "auto": AutoSearch(),
}


@pytest.fixture(scope="module", params=SEARCHES)
def search(request: pytest.FixtureRequest) -> Search:
    return SEARCHES[request.param]


@pytest.fixture(scope="module")
def index(search: Search) -> Nearest:
    return built(search, VECTORS, QUERIES, LAST, K)[0]


def small(search: Search, size: int) -> Nearest:
    return built(search, VECTORS[:size], QUERIES[:20], np.zeros(20, np.int32), K)[0]


def by_sorting(row: Float32, k: int, allowed: Bool, last: int) -> list[int]:
    left = [item for item in range(1, len(row)) if allowed[item] and item != last]
    return sorted(left, key=lambda item: (-row[item], item))[:k]


def test_the_recall_asked_for_is_met_on_queries_it_was_not_tuned_on(search: Search, index: Nearest) -> None:
    asked = queries(500, WIDTH, seed=2)
    truth = Examination.of(Nearest("exact", VECTORS), asked, np.zeros(500, np.int32), K)
    wanted = 1.0 if isinstance(search, Exact) else search.recall_target
    assert truth.recall(index) >= wanted - 0.01  # three standard errors of 500 lists


def test_lists_are_full_distinct_and_best_first_and_their_scores_are_the_products(index: Nearest) -> None:
    lists = index.best(QUERIES, K, LAST)
    assert all(len(set(row)) == K for row in lists.items.tolist())
    assert (np.diff(lists.scores, axis=1) <= 0).all()
    products = np.einsum("nd,nkd->nk", QUERIES, VECTORS[lists.items])
    np.testing.assert_allclose(lists.scores, products, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("share", [0.9, 0.3, 0.02, 0.0])
def test_lists_hold_neither_padding_nor_the_last_item_nor_what_is_not_allowed(
    index: Nearest, share: float
) -> None:
    allowed = np.random.default_rng(4).random(len(VECTORS)) < share
    lists = index.best(QUERIES, K, LAST, allowed=allowed)
    assert (lists.items != 0).all()
    assert not (lists.items == LAST[:, None])[lists.items > 0].any()
    assert allowed[lists.items[lists.items > 0]].all()
    assert ((lists.items > 0).sum(axis=1) == min(K, allowed[1:].sum())).all()
    assert np.isneginf(lists.scores[lists.items < 0]).all()


@pytest.mark.parametrize("share", [0.8, 0.4, 0.15])
def test_the_recall_holds_where_only_some_items_are_allowed(
    search: Search, index: Nearest, share: float
) -> None:
    asked, nobody = queries(300, WIDTH, seed=6), np.zeros(300, np.int32)
    allowed = np.random.default_rng(7).random(len(VECTORS)) < share
    found = index.best(asked, K, nobody, allowed=allowed).items
    truth = Nearest("exact", VECTORS).best(asked, K, nobody, allowed=allowed).items
    wanted = 1.0 if isinstance(search, Exact) else search.recall_target
    assert recall(found, truth) >= wanted - 0.015


def test_an_index_looks_wider_for_a_question_that_reaches_further() -> None:
    index = Nearest("faiss", VECTORS, breadth=100, asked=10)
    assert (index.breadth_for(10), index.breadth_for(5), index.breadth_for(15)) == (100, 100, 184)
    assert (index.breadth_for(10, 0.5), index.breadth_for(2000)) == (200, len(VECTORS) - 1)


def test_what_was_saved_answers_the_same(index: Nearest, tmp_path: Path) -> None:
    index.save(tmp_path)
    before, after = index.best(QUERIES, K, LAST), Nearest.load(tmp_path, VECTORS).best(QUERIES, K, LAST)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.scores, after.scores)
    assert Nearest.load(tmp_path, VECTORS).asked == index.asked


def test_an_index_that_does_not_say_what_it_was_tuned_for_looks_no_wider(tmp_path: Path) -> None:
    built(FaissSearch(), VECTORS, QUERIES, LAST, K)[0].save(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({"kind": "faiss", "breadth": 60}))
    index = Nearest.load(tmp_path, VECTORS)
    assert (index.asked, index.breadth_for(5 * K, 0.5)) == (0, 60)
    assert (index.best(QUERIES[:9], 5 * K, LAST[:9]).items > 0).all()


def test_a_list_of_one_item_is_tuned_for(search: Search) -> None:
    hard = built(search, VECTORS, QUERIES[:40], LAST[:40], 1)[0].best(QUERIES, 1, LAST)
    assert (hard.items > 0).all()


def test_the_same_inputs_give_the_same_bytes_and_the_same_facts(search: Search, tmp_path: Path) -> None:
    told = []
    for attempt in ("once", "again"):
        index, facts = built(search, VECTORS, QUERIES, LAST, K)
        index.save(tmp_path / attempt)
        told.append((facts, {f.name: f.read_bytes() for f in (tmp_path / attempt).iterdir()}))
    assert told[0] == told[1]


@pytest.mark.parametrize("size", [1, 2, 5, 40, 1100])
def test_a_small_catalogue_is_found_whole(search: Search, size: int) -> None:
    lists = small(search, size).best(QUERIES[:50], K, np.zeros(50, np.int32))
    truth = top_k(QUERIES[:50] @ VECTORS[:size].T, K)
    np.testing.assert_array_equal(np.sort(lists.items), np.sort(truth.items)) if size <= K else None
    assert ((lists.items > 0).sum(axis=1) == min(K, size - 1)).all()


def test_nobody_asked_is_no_row(index: Nearest) -> None:
    lists = index.best(QUERIES[:0], K, LAST[:0])
    assert lists.items.shape == lists.scores.shape == (0, K)


@pytest.mark.parametrize("asked", [0, 1])
def test_too_few_to_be_measured_on_are_answered_exactly(search: Search, asked: int) -> None:
    index, facts = built(search, VECTORS, QUERIES[:asked], LAST[:asked], K)
    assert index.kind == "exact", "a recall that nobody measured is no recall"
    assert facts.get("ann_recall_at_k", 1.0) == 1.0
    assert (index.best(QUERIES[:5], K, LAST[:5]).items > 0).all()


def test_no_query_is_answered_by_popularity(index: Nearest) -> None:
    lists = index.best(np.zeros((2, WIDTH), np.float32), K, np.array([0, 3], np.int32))
    assert lists.items.tolist() == [[*range(1, K + 1)], [1, 2, *range(4, K + 2)]]


def test_a_query_that_is_no_number_is_an_error(index: Nearest) -> None:
    wrong = QUERIES[:20].copy()
    wrong[7, 3] = np.nan
    with pytest.raises(ModelError, match=r"1 of \d+ rows"):
        index.best(wrong, K, LAST[:20])


def test_an_item_that_is_no_number_is_an_error(search: Search) -> None:
    wrong = VECTORS.copy()
    wrong[77, 3] = np.nan
    with pytest.raises(ModelError, match=r"hold .*NaN|1 of 3000 item vectors .* in row 77"):
        built(search, wrong, QUERIES, LAST, K)[0].best(QUERIES, K, LAST)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_norms_may_be_huge_or_tiny(search: Search, index: Nearest, factor: float) -> None:
    other = built(search, VECTORS * np.float32(factor), QUERIES, LAST, K)[0]
    lists, truth = other.best(QUERIES, K, LAST), index.best(QUERIES, K, LAST)
    assert (lists.items == truth.items).mean() > 0.9
    assert np.isfinite(lists.scores).all()


def test_a_tie_goes_to_the_lower_index(search: Search) -> None:
    twins = np.concatenate([VECTORS[:1], np.repeat(VECTORS[1:801], 2, axis=0)])
    lists = built(search, twins, QUERIES, np.zeros(len(QUERIES), np.int32), K)[0].best(
        QUERIES, K, np.zeros(len(QUERIES), np.int32)
    )
    tied = np.diff(lists.scores, axis=1) == 0
    assert tied.mean() > 0.4
    assert (np.diff(lists.items, axis=1)[tied] > 0).all()


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), v=st.integers(1, 900), k=st.integers(1, 30), values=st.integers(0, 9))
def test_exact_is_the_head_of_the_sorted_row(seed: int, v: int, k: int, values: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.integers(-values, values + 1, size=(v, 3)).astype(
        np.float32
    )  # whole: many ties, no rounding
    asked = draw.integers(-values, values + 1, size=(40, 3)).astype(np.float32)
    last = draw.integers(0, v, size=40).astype(np.int32)
    allowed = draw.random(v) < draw.random() if seed % 2 else np.ones(v, dtype=np.bool_)
    lists = Nearest("exact", vectors).best(asked, k, last, allowed=allowed if seed % 2 else None)
    for row, scores in enumerate(asked @ vectors.T):
        wanted = by_sorting(scores, k, allowed, int(last[row]))
        assert lists.items[row].tolist() == wanted + [-1] * (k - len(wanted))
        assert lists.scores[row, : len(wanted)].tolist() == scores[wanted].tolist()


def test_blocks_panels_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from hm_pipeline.index import shelf

    whole = Nearest("exact", VECTORS).best(QUERIES, K, LAST)
    monkeypatch.setattr(shelf, "PANEL", 500)
    monkeypatch.setattr(shelf, "BLOCK_SCORES", 1)
    cut = Nearest("exact", VECTORS).best(QUERIES, K, LAST)
    np.testing.assert_allclose(whole.scores, cut.scores, rtol=1e-5)
    assert (whole.items == cut.items).mean() > 0.999  # scores a rounding apart may change places


def test_auto_takes_exact_where_the_catalogue_is_small_and_says_so() -> None:
    index, facts = built(AutoSearch(), VECTORS[:500], QUERIES, np.zeros(len(QUERIES), np.int32), K)
    assert index.kind == "exact"
    assert facts["search_is_exact"] == facts["ann_recall_at_k"] == facts["search_cost_of_exact"] == 1


def test_auto_takes_codes_where_the_catalogue_is_large_and_says_what_they_cost() -> None:
    vectors, asked = items(20_000, 64, seed=5), queries(400, 64, seed=5)
    index, facts = built(AutoSearch(recall_target=0.9), vectors, asked, np.zeros(400, np.int32), K)
    assert index.kind == "faiss"
    assert facts["search_is_faiss"] == 1
    assert facts["search_cost_of_exact"] < 1
    assert facts["ann_recall_at_k"] > 0.88


def test_a_target_that_only_exact_meets_is_met_by_exact() -> None:
    assert built(AutoSearch(recall_target=1.0), VECTORS, QUERIES, LAST, K)[0].kind == "exact"


def test_an_index_of_annoy_that_0_1_0_wrote_is_still_read(tmp_path: Path) -> None:
    index = built(AnnoySearch(recall_target=0.5), VECTORS, QUERIES, LAST, K)[0]
    index.save(tmp_path)
    (tmp_path / "annoy.json").rename(tmp_path / "index.json")
    np.save(tmp_path / "search_k.npy", np.array(index.breadth))
    again = Nearest.load(tmp_path, VECTORS).best(QUERIES, K, LAST)
    np.testing.assert_array_equal(again.items, index.best(QUERIES, K, LAST).items)


def said_by(code: str) -> str:
    """What a process of its own prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_exact_needs_neither_faiss_nor_annoy_nor_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from hm_pipeline.index import Nearest\n"
        "from hm_pipeline.index.tuning import built\n"
        "Nearest('exact', np.ones((9, 2), np.float32)).best(np.ones((3, 2), np.float32), 2, np.zeros(3, np.int32))\n"
        "print(sorted({'torch', 'faiss', 'annoy'} & set(sys.modules)))"
    )
    assert said_by(code) == "[]"


def test_faiss_leaves_torch_its_threads() -> None:
    code = (
        "import numpy as np, torch\n"
        "torch.set_num_threads(2)\n"
        "from hm_pipeline.index.codes import Codes\n"
        "vectors = np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)\n"
        "codes = Codes.build(vectors, 0, np.zeros((0, 1), np.int32))\n"
        "told = [torch.get_num_threads()]\n"
        "codes.propose(vectors[:5], 3, 9)\n"
        "codes.propose(vectors[:600], 3, 9)\n"
        "print([*told, torch.get_num_threads()])"
    )
    assert said_by(code) == "[2, 2]"


def test_recall_counts_the_items_that_are_there_to_be_found() -> None:
    exact = np.array([[1, 2, -1], [3, -1, -1]], np.int32)
    assert recall(exact, exact) == 1
    assert recall(np.array([[2, 9, -1], [3, 8, -1]], np.int32), exact) == pytest.approx(2 / 3)
    assert recall(exact[:0], exact[:0]) == 1
