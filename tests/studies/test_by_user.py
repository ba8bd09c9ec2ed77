"""What users add to a metric, told from their hits and ranks."""

import math
from dataclasses import replace

import numpy as np
import pytest
from by_hand import evaluation

from hm_pipeline.data.arrays import Float64, Int64
from hm_pipeline.evaluation import accuracy
from hm_pipeline.evaluation.estimate import Estimate, average
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.studies.by_user import users_error, values_of
from hm_pipeline.studies.statistics import standard_error

RANKS = np.array([1, 0, 3, 14, 2, 0, 7, 1000])


def ranked(ranks_N: Int64, k: int = 1000, question: str = "q") -> Evaluation:
    """An evaluation as it is stored: hits and ndcg a user in single precision, of the others the mean."""
    values: dict[str, Float64] = {
        "hr": accuracy.hits(ranks_N),
        "ndcg": accuracy.ndcg(ranks_N),
        "precision": accuracy.hits(ranks_N) / k,
        "mrr": accuracy.reciprocal_rank(ranks_N),
    }
    metrics = {name: average(values_N) for name, values_N in values.items()}
    hits_N, ndcg_N = values["hr"].astype(np.float32), values["ndcg"].astype(np.float32)
    return Evaluation("demo", "leave_last_out", "test", k, question, 0, 0, metrics, hits_N, ndcg_N)


@pytest.mark.parametrize("k", [14, 1000])
def test_each_metric_of_one_target_is_told_a_user(k: int) -> None:
    found = ranked(np.arange(k + 1), k)
    for metric in ("hr", "ndcg", "precision", "mrr"):
        values_N = values_of(found, metric)
        assert values_N is not None
        assert standard_error(values_N) == pytest.approx(found.metrics[metric].se, rel=1e-6)


def test_the_error_is_paired_where_all_were_asked_the_same() -> None:
    other = np.roll(RANKS, 1)
    differences = accuracy.reciprocal_rank(RANKS) - accuracy.reciprocal_rank(other)
    found = users_error([(ranked(RANKS), ranked(other))], "mrr")
    assert found == pytest.approx(standard_error(differences))
    assert users_error([(ranked(RANKS), ranked(RANKS))], "precision") == 0


def test_what_is_not_kept_a_user_has_no_error_that_is_paired() -> None:
    pair = (evaluation([1, 0], novelty=5.0), evaluation([1, 1], novelty=6.0))
    assert users_error([pair], "novelty") is None


def test_values_that_are_not_those_of_the_metric_are_not_taken_for_it() -> None:
    odd = evaluation([1, 0], mrr=0.5)  # ndcg of .5 is rank 3
    assert values_of(odd, "mrr") is None
    assert users_error([(odd, odd)], "mrr") is None


def test_of_different_questions_both_errors_add() -> None:
    one, other = ranked(RANKS), ranked(RANKS[:5], question="other")
    alone = [one.metrics["mrr"].se or 0, other.metrics["mrr"].se or 0]
    assert users_error([(one, other)], "mrr") == pytest.approx(math.hypot(*alone), rel=1e-6)
    novel = [replace(e, metrics={"novelty": Estimate(mean=5, se=se)}) for e, se in ((one, 0.3), (other, 0.4))]
    assert users_error([(novel[0], novel[1])], "novelty") == pytest.approx(0.5)
    bare = replace(other, metrics={"novelty": Estimate(mean=5)})
    assert users_error([(novel[0], bare)], "novelty") is None
