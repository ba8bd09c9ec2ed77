"""The values that samples are made of: vocabularies and histories."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.vocabulary import Vocabulary

lists = st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=6)
widths = st.integers(1, 8)


def plain(histories: Histories) -> list[list[int]]:
    return [histories[row].tolist() for row in range(len(histories))]


@given(st.lists(st.text(max_size=3), unique=True), st.lists(st.text(max_size=3)))
def test_a_vocabulary_finds_each_of_its_ids_and_nothing_else(ids: list[str], others: list[str]) -> None:
    vocabulary = Vocabulary.of(ids)
    wanted = pl.Series(ids + others + [None], dtype=pl.String)
    table = {id_: n + 1 for n, id_ in enumerate(ids)}
    assert len(vocabulary) == len(ids) + 1
    assert vocabulary.encode(wanted).tolist() == [table.get(id_, 0) for id_ in wanted]
    assert vocabulary.decode(np.arange(-1, len(vocabulary), dtype=np.int32)).to_list() == [None, None, *ids]


def test_ids_that_differ_only_by_leading_zeros_stay_different() -> None:
    assert Vocabulary.of(["1", "01"]).encode(pl.Series(["01", "1", "001"])).tolist() == [2, 1, 0]


def test_an_id_cannot_stand_twice() -> None:
    with pytest.raises(AssertionError, match="twice"):
        Vocabulary.of(["a", "b", "a"])


def test_an_erased_id_leaves_a_grave_and_the_others_keep_their_places(tmp_path: Path) -> None:
    whole = Vocabulary.of(["ann", "bob-to-forget", "cem", "dora"])
    erased = whole.without(["bob-to-forget", "dora", "never there"])
    assert erased.encode(pl.Series(["ann", "bob-to-forget", "cem", "dora"])).tolist() == [1, 0, 3, 0]
    assert erased.decode(np.array([1, 2, 3, 4], np.int32)).to_list() == ["ann", None, "cem", None]
    assert erased.digest != whole.digest
    file = tmp_path / "users.parquet"
    erased.save(file)
    assert Vocabulary.load(file).digest == erased.digest
    assert pl.read_parquet(file)["id"].to_list() == ["ann", None, "cem", None]


def test_a_digest_depends_on_ids_their_borders_and_their_order() -> None:
    digests = {Vocabulary.of(ids).digest for ids in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], [])}
    assert len(digests) == 5


@given(lists, widths)
def test_histories_read_like_plain_lists(items: list[list[int]], width: int) -> None:
    histories = Histories.of(items)
    assert plain(histories) == items
    assert histories.lengths.tolist() == [len(row) for row in items]
    assert histories.total == sum(map(len, items))
    assert plain(histories.latest(width)) == [row[-width:] for row in items]
    assert histories.last.tolist() == [row[-1] if row else 0 for row in items]


@given(lists, widths)
def test_padding_stands_on_the_right_of_the_latest_items(items: list[list[int]], width: int) -> None:
    wanted = [row[-width:] + [0] * (width - len(row)) for row in items]
    assert Histories.of(items).padded(width).tolist() == wanted


@given(lists)
def test_interactions_name_their_row(items: list[list[int]]) -> None:
    rows, flat = Histories.of(items).interactions()
    wanted = [(row, item) for row, of in enumerate(items) for item in of]
    assert list(zip(rows.tolist(), flat.tolist(), strict=True)) == wanted


@given(lists, st.data())
def test_views_over_the_same_array_behave_like_histories(items: list[list[int]], data: st.DataObject) -> None:
    """Cut and reordered views, as a holdout has them."""
    whole = Histories.of(items)
    order = data.draw(st.permutations(range(len(items))))
    view = whole.take(np.array(order, dtype=np.int64)).latest(2)
    wanted = [items[row][-2:] for row in order]
    assert plain(view) == wanted
    assert view.padded(3).tolist() == [row + [0] * (3 - len(row)) for row in wanted]
    assert view.interactions()[1].tolist() == [item for row in wanted for item in row]
    assert view.flat is whole.flat


@given(lists, st.lists(st.integers(0, 5), min_size=9, max_size=9))
def test_another_vocabulary_takes_over_what_it_knows(items: list[list[int]], known: list[int]) -> None:
    table = np.array([0, *known], np.int32)
    users = np.zeros(len(items), np.int32)
    mapped = Histories.of(items).mapped(table, users)
    assert plain(mapped) == [[int(table[i]) for i in row if table[i]] for row in items]
    assert mapped.last.tolist() == [int(table[row[-1]]) if row else 0 for row in items]


@given(lists, st.permutations(range(10)))
def test_lists_in_another_vocabulary_close_up(items: list[list[int]], order: list[int]) -> None:
    table = np.array([0, *(o if o <= 6 else 0 for o in order if o != 0)], np.int32)
    rows = [list(dict.fromkeys(row)) for row in items]
    padded = np.array([row + [-1] * (6 - len(row)) for row in rows], np.int32).reshape(len(rows), 6)
    scores = np.where(padded > 0, -np.arange(6, dtype=np.float32), -np.inf).astype(np.float32)
    mapped = Recommendations(padded, scores).mapped(table)
    for row, got, values in zip(rows, mapped.items, mapped.scores, strict=True):
        kept = [(int(table[i]), float(-at)) for at, i in enumerate(row) if table[i]]
        assert got.tolist() == [i for i, _ in kept] + [-1] * (6 - len(kept))
        assert values.tolist() == [v for _, v in kept] + [-np.inf] * (6 - len(kept))


def test_nobody_in_particular() -> None:
    assert Histories.of([[1], [2]], users=[3, 4]).anonymous().users.tolist() == [0, 0]
