"""What a simulated shop is asked for."""

from datetime import date, timedelta
from typing import Self

import numpy as np
from pydantic import Field, PositiveInt, field_validator, model_validator

from hm_pipeline.data.arrays import Float64
from hm_pipeline.data.market import known_zone
from hm_pipeline.frozen import Frozen
from hm_pipeline.simulation.measured import RETURNS, WEEKDAYS, mean_length

MODEL = 1  # of the simulator itself: another one makes other shops of the same arguments
BEFORE = 240  # days before the first in which the shop's oldest articles were launched
_OPENS_WITH = 10  # articles on sale on the first day, at least: the next click is always another article
_BUSIEST = 0.9  # of the people, at most, on one day: each comes once a day


class Simulation(Frozen):
    """The arguments of a shop: the same ones give the same files."""

    model: int = Field(MODEL, ge=MODEL, le=MODEL)
    market: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    timezone: str  # whose midnight ends a day
    first: date
    days: PositiveInt
    users: PositiveInt
    items: int = Field(ge=100, le=999_999)
    interactions: PositiveInt  # clicks of people, expected; purchases and bots come on top
    seed: int = Field(1, ge=0)
    order: float = Field(0.7, ge=0, le=1)  # 0: the next click is by popularity, 1: by the one before
    returns: float = Field(RETURNS, ge=0, le=1)  # of clicks, those that go back to an article of the session
    tastes: int = Field(8, ge=1, le=100)  # kinds of people
    bots: int = Field(2, ge=0, le=1000)  # thousands of clicks a day each

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        return known_zone(zone)

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        most = int(_BUSIEST * self.users * mean_length() / self.day_shares().max())
        if self.interactions > most:
            raise ValueError(
                f"{self.users:,} users who come once a day at most make {most:,} interactions in {self.days} "
                "days at most; ask for more users or fewer interactions"
            )
        return self

    @model_validator(mode="after")
    def _enough_articles(self) -> Self:
        """Launches are spread over all days, so a long simulation opens with few of its articles."""
        opens_with = self.items * BEFORE // (BEFORE + self.days)
        if opens_with < _OPENS_WITH:
            wanted = -(-_OPENS_WITH * (BEFORE + self.days) // BEFORE)
            raise ValueError(
                f"of {self.items:,} items launched over {self.days:,} days about {opens_with} are on sale on "
                f"the first, and {_OPENS_WITH} are needed; ask for {wanted:,} items or for fewer days"
            )
        return self

    def date_of(self, number: int) -> date:
        """The local day of this number, the first being 0."""
        return self.first + timedelta(days=number)

    def day_shares(self) -> Float64:
        """(days,) share of the interactions that fall on each day."""
        weekdays = [WEEKDAYS[self.date_of(number).weekday()] for number in range(self.days)]
        return np.array(weekdays) / sum(weekdays)
