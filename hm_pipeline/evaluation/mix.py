"""What the lists show by category, against what people looked at: a guard rail of the gate."""

import numpy as np

from hm_pipeline.data.arrays import Float64, Int64
from hm_pipeline.data.drift import total_variation
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.attributes import totals


def list_mix(recommendations: Recommendations, samples: Samples, attribute: str = "category") -> Float64:
    """(values,) share of the filled places by attribute value; all 0 where no place is filled."""
    shown = recommendations.items[recommendations.items > 0]
    return shares(np.bincount(shown, minlength=len(samples.items)), samples, attribute)


def window_mix(samples: Samples, attribute: str = "category") -> Float64:
    """(values,) share of the training interactions by attribute value."""
    return shares(samples.counts, samples, attribute)


def mix_distance(recommendations: Recommendations, samples: Samples, attribute: str = "category") -> float:
    """How far the lists' mix is from the window's; 1 where the lists show nothing."""
    shown = list_mix(recommendations, samples, attribute)
    return total_variation(shown, window_mix(samples, attribute)) if shown.any() else 1.0


def shares(counts: Int64, samples: Samples, attribute: str) -> Float64:
    """(values,) share of `counts` (V,) by attribute value; all 0 where nothing was counted."""
    known = samples.attributes[attribute]
    by_value = totals(counts, known.codes)
    found = np.zeros(len(known.values), np.float64)
    found[: len(by_value)] = by_value / max(by_value.sum(), 1)
    return found
