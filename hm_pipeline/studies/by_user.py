"""What each user adds to a metric: its error over users, of one setting or of two.

An evaluation keeps hits and ndcg a user. With one target both tell the rank, and it the other metrics that
are a mean over users; what an attribute adds, and novelty, are not kept.
"""

import math
from collections.abc import Sequence

import numpy as np

from hm_pipeline.data.arrays import Float64, Int64
from hm_pipeline.evaluation.accuracy import reciprocal_rank
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.studies.statistics import standard_error

_ROUNDED = 1e-6  # ndcg is kept in single precision

Pairs = Sequence[tuple[Evaluation, Evaluation]]  # a setting and its reference, a pair a seed


def users_error(pairs: Pairs, metric: str) -> float | None:
    """Standard error over users of the mean difference; null where it is not known.

    Paired user by user where all were asked the same; else that of two means over users who have nothing
    to do with each other, which is too large where some of them were asked both.
    """
    if len({one.question for pair in pairs for one in pair}) == 1:
        return _paired(pairs, metric)
    alone = [_alone(side, metric) for side in zip(*pairs, strict=True)]
    known = [se for se in alone if se is not None]
    return math.hypot(*known) if len(known) == len(alone) else None


def values_of(evaluation: Evaluation, metric: str) -> Float64 | None:
    """(N,) whose mean is the metric; None where it is not kept a user."""
    values_N = _values(evaluation, metric)
    told = evaluation.metrics[metric].mean
    if values_N is None or told is None or not len(values_N):
        return None
    return values_N if abs(float(values_N.mean()) - told) < _ROUNDED else None


def _values(evaluation: Evaluation, metric: str) -> Float64 | None:
    match metric:
        case "hr":
            return evaluation.hits.astype(np.float64)
        case "ndcg":
            return evaluation.ndcg.astype(np.float64)
        case "precision":
            return evaluation.hits.astype(np.float64) / evaluation.k
        case "mrr":
            return reciprocal_rank(_ranks(evaluation))
        case _:
            return None


def _ranks(evaluation: Evaluation) -> Int64:
    """(N,) of the target, 0 where it is absent: ndcg is 1 / log2(rank + 1)."""
    ndcg_N = evaluation.ndcg.astype(np.float64)
    found_N = ndcg_N > 0
    return np.where(found_N, np.rint(2 ** (1 / np.where(found_N, ndcg_N, 1)) - 1), 0).astype(np.int64)


def _paired(pairs: Pairs, metric: str) -> float | None:
    kept = [(values_of(a, metric), values_of(b, metric)) for a, b in pairs]
    differences = [a - b for a, b in kept if a is not None and b is not None]
    return standard_error(np.mean(differences, axis=0)) if len(differences) == len(pairs) else None


def _alone(side: Sequence[Evaluation], metric: str) -> float | None:
    """Of the mean over seeds; where that is not kept a user, the mean of the seeds' own, which is no less."""
    kept = [values_N for one in side if (values_N := values_of(one, metric)) is not None]
    if len(kept) == len(side) and len({one.question for one in side}) == 1:
        return standard_error(np.mean(kept, axis=0))
    own = [se for one in side if (se := one.metrics[metric].se) is not None]
    return float(np.mean(own)) if len(own) == len(side) else None
