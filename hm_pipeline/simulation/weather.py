"""The temperature of each day against what the season has, in standard deviations."""

import numpy as np

from hm_pipeline.data.arrays import Float64
from hm_pipeline.simulation.chance import Chance

_PERSISTENCE = 0.8  # of a day's deviation, what the next day keeps; invented


def temperatures(days: int, chance: Chance) -> Float64:
    """(days,) an AR(1) process with variance 1: x_d = a x_(d-1) + sqrt(1 - a^2) z_d."""
    shocks = chance.normal(np.arange(days))
    found = [shocks[0]]
    for shock in shocks[1:]:
        found.append(_PERSISTENCE * found[-1] + np.sqrt(1 - _PERSISTENCE**2) * shock)
    return np.array(found)
