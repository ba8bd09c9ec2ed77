"""The lists' mix of categories against the window's."""

import numpy as np
import pytest

from hm_pipeline.data.drift import total_variation
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.mix import list_mix, mix_distance, window_mix


def window() -> Samples:
    """Items 1 2 3 4: shoe shoe hat (missing), viewed 4 3 2 1 times; bags are in the catalogue only."""
    category = Attribute(("", "bag", "hat", "shoe"), np.array([0, 3, 3, 2, 0], np.int32))
    counts = np.array([0, 4, 3, 2, 1])
    ids = Vocabulary.of("1234")
    nobody = Vocabulary.of([])
    return Samples(
        "SE", "refit", "", "", ids, nobody, Histories.of([]), counts, None, {"category": category}, {}
    )


def lists(items: list[list[int]]) -> Recommendations:
    return Recommendations(np.array(items, np.int32), np.zeros((len(items), len(items[0])), np.float32))


def test_the_window_mix_is_the_share_of_interactions() -> None:
    assert window_mix(window()) == pytest.approx([0.1, 0, 0.2, 0.7])


def test_the_list_mix_is_the_share_of_filled_places() -> None:
    assert list_mix(lists([[1, 2], [3, -1]]), window()) == pytest.approx([0, 0, 1 / 3, 2 / 3])


def test_the_distance_by_hand() -> None:
    # |0-.1| + |1/3-.2| + |2/3-.7| = .1 + .1333 + .0333, halved
    assert mix_distance(lists([[1, 2], [3, -1]]), window()) == pytest.approx(0.4 / 3)


def test_the_same_mix_is_at_distance_0_and_nothing_in_common_at_1() -> None:
    assert total_variation(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert total_variation(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_lists_that_show_nothing_are_as_far_as_can_be() -> None:
    assert mix_distance(lists([[-1, -1]]), window()) == 1
