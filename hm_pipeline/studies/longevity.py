"""How fast models age, as a declaration: a file of deploy/studies with kind = "longevity".

    kind = "longevity"
    question = "How fast does a model age?"
    models = ["itemknn", "lstm"]
    horizon = 14                 days whose arrivals are asked, the last of them the day before the run date
    every = 1                    a model is trained and asked on each, or on each second, third … of them
    retraining = [1, 7, 14]      days between two trainings whose price is told

Each day's models are those of its night. Each answers the arrivals of its own day and of all later ones.
"""

from datetime import date, timedelta
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from hm_pipeline.frozen import Frozen


class LongevityStudy(Frozen):
    """Which models, over how many days, and between which trainings to choose."""

    kind: Literal["longevity"] = "longevity"
    name: str
    question: str
    models: tuple[str, ...] = Field(min_length=1)
    horizon: int = Field(14, ge=2)  # days
    every: PositiveInt = 1  # days from one asked day to the next
    retraining: tuple[PositiveInt, ...] = Field((1, 7, 14, 28), min_length=1)  # days, ascending
    profile: str | None = None  # of the models' sizes; None: the market's own, its nights'
    fixed: dict[str, Any] = {}  # path of the configuration -> value, the same for all

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.every >= self.horizon:
            raise ValueError(f"every {self.every} days of {self.horizon}: one day is asked, nothing ages")
        if list(self.retraining) != sorted(set(self.retraining)):
            raise ValueError("retraining: write each number of days once, the smallest first")
        if self.retraining[-1] < 2:
            raise ValueError("retraining: name a number of days beyond 1, which the others are compared with")
        if len(set(self.models)) < len(self.models):
            raise ValueError("models: one stands twice")
        return self

    def days(self, run_date: date) -> tuple[date, ...]:
        """The days whose arrivals are asked, oldest first; the last is the day before the run date."""
        return tuple(run_date - timedelta(days=1 + back) for back in range(0, self.horizon, self.every))[::-1]
