"""The articles: what they are, when they are launched, how their trend goes, how many there are.

V items; days are numbers, the simulation's first is 0.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.data.log import ARTICLE_SCHEMA
from hm_pipeline.simulation.categories import CATEGORIES, COLOURS
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.config import BEFORE, Simulation
from hm_pipeline.simulation.draws import drawn
from hm_pipeline.simulation.measured import PRICE_SPREAD

APPEAL_SPREAD = 1.8  # with trends, seasons and tastes on top, popularity has the measured POPULARITY_SPREAD
PURCHASES = 0.02  # of clicks; assumed: no log here has both
_BASICS = 0.3  # of the articles; they have no trend
_FLOOR = 0.1  # what is left of a trend in the end
_PEAK_MEDIAN, _PEAK_SPREAD = 2.5, 0.5  # days to the peak of a trend: lognormal, median 12
_STOCK_MEDIAN, _STOCK_SPREAD = 0.9, 0.8  # stock in fair shares of all sales: lognormal, median 2.5
_EPOCH = 719_163  # the ordinal of 1970-01-01


@dataclass(frozen=True, eq=False)
class Assortment:
    """All articles that are ever launched."""

    category: Int64  # (V,) place in CATEGORIES
    colour: Int64  # (V,)
    price: Float64  # (V,)
    appeal: Float64  # (V,) logarithm of what demand is multiplied by
    launched: Int64  # (V,) day
    peak: Float64  # (V,) days from launch to the peak of the trend
    floor: Float64  # (V,) 1: no trend
    stock: Float64  # (V,) purchases after which it is sold out

    def __len__(self) -> int:
        """V."""
        return len(self.category)

    def live(self, day: int, sold_V: Int64) -> Bool:
        """(V,) launched and not sold out."""
        live: Bool = (self.launched <= day) & (sold_V < self.stock)
        return live

    def trend(self, day: int) -> Float64:
        """(V,) floor + (1 - floor) x e^(1 - x), x = days since launch / peak: it rises, peaks at 1, dies."""
        x = np.maximum(day - self.launched + 1, 0) / self.peak
        return self.floor + (1 - self.floor) * x * np.exp(1 - x)

    def snapshot(self, config: Simulation, day: int, sold_V: Int64) -> pl.DataFrame:
        """The articles launched until this day, available or sold out by its end."""
        known = np.flatnonzero(self.launched <= day)
        category = _names([c.name for c in CATEGORIES], self.category[known])
        colour = _names([*COLOURS], self.colour[known])
        number = pl.Series(known).cast(pl.String)
        columns = {
            "item_id": item_ids(known),
            "name": colour + " " + category + " " + number,
            "category": category,
            "colour": colour,
            "price": self.price[known],
            "launched": pl.Series(self.launched[known] + config.first.toordinal() - _EPOCH).cast(pl.Date),
            "available": sold_V[known] < self.stock[known],
        }
        return pl.DataFrame(columns, schema=ARTICLE_SCHEMA)


def assortment(config: Simulation, chance: Chance) -> Assortment:
    """The articles of a shop."""
    which = np.arange(config.items)
    category = drawn([c.share for c in CATEGORIES], chance.of("category").uniform(which))
    median = np.array([c.price for c in CATEGORIES])[category]
    appeal = APPEAL_SPREAD * chance.of("appeal").normal(which)
    since = np.floor(chance.of("launched").uniform(which) * (BEFORE + config.days)).astype(np.int64)
    basic = chance.of("basic").uniform(which) < _BASICS
    fair = PURCHASES * config.interactions * np.exp(appeal) / np.exp(appeal).sum()
    return Assortment(
        category=category,
        colour=drawn(COLOURS.values(), chance.of("colour").uniform(which)),
        price=np.round(median * np.exp(PRICE_SPREAD * chance.of("price").normal(which)), 2),
        appeal=appeal,
        launched=since - BEFORE,
        peak=np.exp(_PEAK_MEDIAN + _PEAK_SPREAD * chance.of("peak").normal(which)),
        floor=np.where(basic, 1.0, _FLOOR),
        stock=1 + fair * np.exp(_STOCK_MEDIAN + _STOCK_SPREAD * chance.of("stock").normal(which)),
    )


def item_ids(items: Int32 | Int64) -> pl.Series:
    """(N,) i000000 and so on."""
    return "i" + pl.Series(items).cast(pl.String).str.zfill(6)


def _names(names: list[str], codes: Int64) -> pl.Series:
    return pl.Series(names).gather(codes)
