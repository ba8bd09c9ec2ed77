"""Lists in the caller's vocabularies, whatever the release was fitted in."""

import numpy as np
import pytest

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.models.popularity import Popularity, PopularityConfig
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from hm_pipeline.progress import Step
from hm_pipeline.retrieval import answer as answer_module
from hm_pipeline.retrieval.answer import answer, default_list

ITEMS = Vocabulary.of(["a", "b", "c", "d", "e"])
USERS = Vocabulary.of(["u"])
REPEAT = Release(RepeatConfig(), Repeat(6), ITEMS, USERS)
POPULAR = Release(PopularityConfig(), Popularity(np.array([0, 9, 8, 7, 6, 5])), ITEMS, USERS)


def test_one_vocabulary_needs_no_translation() -> None:
    lists = answer(REPEAT, Histories.of([[5, 4, 5, 1]]), Vocabulary.of("abcde"), USERS, 3)
    assert _names(lists.items, ITEMS) == [["e", "d", "b"]]


def test_lists_come_in_the_callers_vocabulary() -> None:
    callers = Vocabulary.of(["x", "e", "d", "a"])  # knows x, which the release does not; not b, not c
    history = [callers.encode(_series("e"))[0], 1, callers.encode(_series("a"))[0]]
    lists = answer(REPEAT, Histories.of([history]), callers, USERS, 3)
    # e was taken before, a is the last, x is unknown to the release; b and c to the caller
    assert _names(lists.items, callers) == [["e", "d", None]]
    assert lists.items[0, 2] == -1


def test_allowed_speaks_the_callers_vocabulary() -> None:
    callers = Vocabulary.of(["e", "d", "c", "b", "a"])
    allowed = np.array([False, True, True, False, False, False])
    lists = answer(POPULAR, Histories.of([[]]), callers, USERS, 3, allowed=allowed)
    assert _names(lists.items, callers) == [["d", "e", None]]


def test_a_user_is_found_by_his_id() -> None:
    class Listener(Popularity):
        def recommend(self, histories: Histories, k: int, **options: object):  # type: ignore[no-untyped-def,override]
            seen.extend(histories.users.tolist())
            return super().recommend(histories, k)

    seen: list[int] = []
    release = Release(PopularityConfig(), Listener(np.arange(6)[::-1]), ITEMS, Vocabulary.of(["v", "u"]))
    answer(release, Histories.of([[], [], []], users=[0, 1, 2]), ITEMS, Vocabulary.of(["u", "stranger"]), 1)
    assert seen == [0, 2, 0]


def test_blocks_of_rows_change_nothing_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = Histories.of([[i % 5 + 1, (i + 2) % 5 + 1] for i in range(10)])
    whole = answer(REPEAT, histories, ITEMS, USERS, 3)
    monkeypatch.setattr(answer_module, "BLOCK_ROWS", 3)
    steps: list[Step] = []
    cut = answer(REPEAT, histories, ITEMS, USERS, 3, progress=steps.append)
    np.testing.assert_array_equal(whole.items, cut.items)
    assert [step.done for step in steps] == [3, 6, 9, 10]


def test_the_default_list_is_for_nobody_in_particular() -> None:
    assert _names(default_list(POPULAR, ITEMS, 3).items, ITEMS) == [["a", "b", "c"]]


def _names(items: np.ndarray, vocabulary: Vocabulary) -> list[list[str | None]]:
    return [vocabulary.decode(row).to_list() for row in items]


def _series(*ids: str):  # type: ignore[no-untyped-def]
    return Vocabulary.of(ids).ids
