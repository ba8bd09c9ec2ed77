"""What passes on: saved, named for MLflow, paired."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.errors import ModelError
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation, published, published_name
from hm_pipeline.evaluation.paired import Difference, difference, paired


def evaluation(hits: list[int], question: str = "abc", **metrics: Estimate) -> Evaluation:
    values = np.array(hits, np.float32)
    return Evaluation("SE", "next_day", "first", 14, question, 0.25, 0.5, metrics, values, values)


def test_an_evaluation_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = evaluation([1, 0, 1], hr=Estimate(mean=2 / 3, se=0.1), personalization=Estimate(mean=None))
    saved.save(tmp_path / "e")
    loaded = Evaluation.load(tmp_path / "e")
    assert loaded.metrics == saved.metrics
    assert loaded.hits.tolist() == [1, 0, 1]
    assert loaded.ndcg.tolist() == [1, 0, 1]
    facts = ("market", "protocol", "holdout", "k", "question", "oov_rate", "cold_rate", "n")
    assert [getattr(loaded, f) for f in facts] == [getattr(saved, f) for f in facts]


def test_published_names_are_those_mlflow_accepts_and_nulls_are_left_out() -> None:
    figures = published(
        evaluation([1, 0], hr=Estimate(mean=0.5, se=0.1), personalization=Estimate(mean=None))
    )
    assert figures == {"targets": 2, "oov_rate": 0.25, "cold_rate": 0.5, "hr_at_14": 0.5, "hr_at_14_se": 0.1}
    assert published_name("hr_category", 14) == "hr_category_at_14"
    assert all(re.fullmatch(r"[A-Za-z0-9_\-./ ]+", name) for name in figures)


def test_a_paired_difference_by_hand() -> None:
    d = paired(evaluation([1, 1, 0, 1]), evaluation([0, 1, 1, 0]))  # +1 0 -1 +1
    assert (d.n, d.total, d.squares) == (4, 1, 3)
    assert d.mean == 0.25
    assert d.se == pytest.approx(math.sqrt((0.75**2 + 0.25**2 + 1.25**2 + 0.75**2) / 3 / 4))
    assert d.z == pytest.approx(0.25 / d.se)


def test_evaluations_of_different_questions_cannot_be_paired() -> None:
    with pytest.raises(ModelError, match="evaluate both on one holdout"):
        paired(evaluation([1, 0]), evaluation([1, 0], question="other"))


def test_nobody_and_one_user_have_no_error() -> None:
    assert (Difference().mean, Difference().se, Difference().z) == (None, None, None)
    one = difference(np.ones(1), np.zeros(1))
    assert (one.mean, one.se, one.z) == (1, None, None)


def test_equal_models_differ_by_zero_errors_and_a_clean_sweep_by_infinitely_many() -> None:
    assert difference(np.ones(3), np.ones(3)).z == 0
    assert difference(np.ones(3), np.zeros(3)).z == math.inf
    assert difference(np.zeros(3), np.ones(3)).z == -math.inf


nights = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=6), max_size=4)


@given(nights)
def test_pooling_nights_equals_taking_all_users_at_once(nights: list[list[float]]) -> None:
    parts = [difference(np.array(night), np.zeros(len(night))) for night in nights]
    together = np.array([d for night in nights for d in night])
    pooled = sum(parts, Difference())
    assert pooled == difference(together, np.zeros(len(together)))
    if len(together) > 1:
        assert pooled.mean == pytest.approx(together.mean())
        assert pooled.se == pytest.approx(together.std(ddof=1) / math.sqrt(len(together)))
