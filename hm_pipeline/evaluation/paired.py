"""Two models asked the same: the difference user by user, so that what is hard for both cancels."""

import math

import numpy as np

from hm_pipeline.data.arrays import Float32, Float64
from hm_pipeline.errors import ModelError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.frozen import Frozen


class Difference(Frozen):
    """N paired differences as their sums, so that nights can be pooled by adding."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Difference") -> "Difference":
        """Both taken together."""
        return Difference(
            n=self.n + other.n, total=self.total + other.total, squares=self.squares + other.squares
        )

    @property
    def mean(self) -> float | None:
        """Mean difference a user; null where nobody was asked."""
        return self.total / self.n if self.n else None

    @property
    def se(self) -> float | None:
        """Standard error of the mean, sd / sqrt n; null with fewer than two users."""
        if self.n < 2:
            return None
        spread = max(self.squares - self.total**2 / self.n, 0.0)  # rounding may go below 0
        return math.sqrt(spread / (self.n - 1) / self.n)

    @property
    def z(self) -> float | None:
        """Mean in standard errors; infinite where all users differ by the same, null as `se` is."""
        if self.mean is None or self.se is None:
            return None
        if self.se == 0:
            return math.copysign(math.inf, self.mean) if self.mean else 0.0
        return self.mean / self.se


def paired(a: Evaluation, b: Evaluation) -> Difference:
    """HR of `a` minus HR of `b`, user by user.

    Raises ModelError where the two were not asked the same question with lists of the same length.
    """
    if (a.question, a.k, a.n) != (b.question, b.k, b.n):
        raise ModelError(
            f"market {a.market}: cannot pair {a.holdout} ({a.n} users, k {a.k}, question {a.question}) with "
            f"{b.holdout} ({b.n} users, k {b.k}, question {b.question}); evaluate both on one holdout"
        )
    return difference(a.hits, b.hits)


def difference(a_N: Float32 | Float64, b_N: Float32 | Float64) -> Difference:
    """The difference of two values a user, row by row."""
    d = a_N.astype(np.float64) - b_N.astype(np.float64)
    return Difference(n=len(d), total=float(d.sum()), squares=float((d**2).sum()))
