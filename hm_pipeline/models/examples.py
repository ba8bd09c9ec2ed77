"""Histories like those that will be asked."""

import numpy as np

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples


def examples(samples: Samples, most: int) -> Histories:
    """Of validation, or of training where nobody with a past validates, spread over all rows; none empty."""
    holdout = samples.holdouts.get("validation")
    asks = holdout is not None and holdout.histories.lengths.any()
    histories = holdout.histories if holdout is not None and asks else samples.train
    histories = histories.take(np.flatnonzero(histories.lengths))
    spread = np.linspace(0, len(histories) - 1, min(most, len(histories))).astype(np.int64)
    return histories.take(spread)
