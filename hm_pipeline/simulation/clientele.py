"""The people: how often they come, what they like, and what is known of them. N users, T tastes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.data.log import USER_SCHEMA
from hm_pipeline.simulation.categories import CATEGORIES
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.draws import drawn
from hm_pipeline.simulation.measured import ACTIVITY_SPREAD

_TASTE_SPREAD = 0.7  # log spread of what a taste multiplies a category by; this and what follows is invented
_AGE_MEDIAN, _AGE_SPREAD = 3.5, 0.35  # lognormal, median 33
_YOUNGEST, _OLDEST = 16, 90
_REGIONS = 20  # the n-th has 1/n of the people of the first


@dataclass(frozen=True, eq=False)
class Clientele:
    """Everybody who may come."""

    activity: Float64  # (N,) rate of coming, in any unit
    taste: Int32  # (N,)
    liking: Float64  # (T, categories) what demand is multiplied by

    def __len__(self) -> int:
        """N."""
        return len(self.activity)

    def comes(self, expected: float, uniform_N: Float64) -> Bool:
        """(N,) who comes on a day when so many are expected, of rate r with chance 1 - exp(-scale r)."""
        comes: Bool = uniform_N < -np.expm1(-self._scale(expected) * self.activity)
        return comes

    def _scale(self, expected: float) -> float:
        """Newton's method from below: the expectation is concave, so each step falls short of the root."""
        scale = expected / self.activity.sum()
        for _ in range(50):
            stays = np.exp(-scale * self.activity)
            short = expected - (1 - stays).sum()
            if short < 1e-9 * expected:
                break
            scale += short / (self.activity * stays).sum()
        return float(scale)


def clientele(config: Simulation, chance: Chance) -> Clientele:
    """The people of a shop."""
    which = np.arange(config.users)
    liking = chance.of("liking").normal(np.arange(config.tastes * len(CATEGORIES)))
    return Clientele(
        activity=np.exp(ACTIVITY_SPREAD * chance.of("activity").normal(which)),
        taste=np.floor(chance.of("taste").uniform(which) * config.tastes).astype(np.int32),
        liking=np.exp(_TASTE_SPREAD * liking.reshape(config.tastes, -1)),
    )


def known_of_users(config: Simulation, chance: Chance) -> pl.DataFrame:
    """The table of users: id, age in years, region."""
    which = np.arange(config.users)
    years = np.exp(_AGE_MEDIAN + _AGE_SPREAD * chance.of("age").normal(which))
    region = drawn((1 / n for n in range(1, _REGIONS + 1)), chance.of("region").uniform(which))
    age = pl.Series(np.clip(years, _YOUNGEST, _OLDEST).astype(np.int64)).cast(pl.String)
    columns = {"user_id": user_ids(which), "age": age, "region": _region_names(region)}
    return pl.DataFrame(columns, schema=USER_SCHEMA)


def user_ids(users: Int32 | Int64) -> pl.Series:
    """(N,) u0000000 and so on."""
    return "u" + pl.Series(users).cast(pl.String).str.zfill(7)


def _region_names(regions: Int64) -> pl.Series:
    return "region " + pl.Series(regions + 1).cast(pl.String).str.zfill(2)
