"""The learning rate as a function of how much was seen."""

from math import cos, pi

from hm_pipeline.training.config import TrainingConfig


def rate_at(epochs: float, config: TrainingConfig) -> float:
    """The one-cycle rate after `epochs`: cosine up, cosine down, then its last value (Smith 2018).

    Counted in epochs, not steps, so that a refit on one more day follows the same curve.
    """
    lowest, highest = config.max_lr / config.start_divisor, config.max_lr
    done = min(epochs / config.cycle_epochs, 1.0)
    if done < config.pct_start:
        return _cosine(lowest, highest, done / config.pct_start)
    falling = (done - config.pct_start) / (1 - config.pct_start) if config.pct_start < 1 else 1.0
    return _cosine(highest, config.max_lr / config.end_divisor, falling)


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * share)) / 2
