"""The shop has the shape of the logs that it was measured in, and seasons, weather and trends."""

from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from shops import a_day, small, views

from hm_pipeline.simulation.categories import CATEGORIES
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.demand import demand
from hm_pipeline.simulation.measured import POPULARITY_SPREAD, mean_length
from hm_pipeline.simulation.shop import open_shop
from hm_pipeline.simulation.visits import session_lengths
from hm_pipeline.simulation.weather import temperatures


@pytest.fixture(scope="module")
def month() -> Simulation:
    return small(days=28, users=6_000, items=3_000, interactions=200_000, order=0)


@pytest.fixture(scope="module")
def clicks(month: Simulation) -> pl.DataFrame:
    return views(month)


def test_there_are_about_as_many_interactions_as_were_asked_for(clicks: pl.DataFrame):
    assert len(clicks) == pytest.approx(200_000, rel=0.03)


def test_sessions_are_as_long_as_the_e_shops():
    lengths = session_lengths(np.arange(50_000, dtype=np.int32), Chance("seed"))
    assert np.quantile(lengths, [0.1, 0.25, 0.5, 0.75, 0.9]).tolist() == [1, 2, 4, 8, 16]
    assert lengths.mean() == pytest.approx(mean_length(), rel=0.02)
    assert mean_length() == pytest.approx(6.9, rel=0.02)


def test_few_articles_hold_most_clicks(clicks: pl.DataFrame):
    """By the law of `measured`, the best 1, 10 and 50% hold 32, 72 and 97%; by chance a little more or less."""

    def held(best: float, spread: float) -> float:
        return NormalDist().cdf(spread + NormalDist().inv_cdf(best))

    law = [held(best, POPULARITY_SPREAD) for best in (0.01, 0.1, 0.5)]
    assert law == pytest.approx([0.32, 0.72, 0.97], abs=0.005)
    counts = np.sort(clicks["item_id"].value_counts()["count"].to_numpy())[::-1]
    shares = np.cumsum(counts)[[30, 300, len(counts) // 2]] / counts.sum()
    assert (shares > [held(best, POPULARITY_SPREAD - 0.4) for best in (0.01, 0.1, 0.5)]).all()
    assert (shares < [held(best, POPULARITY_SPREAD + 0.4) for best in (0.01, 0.1, 0.5)]).all()


def test_few_people_come_often(clicks: pl.DataFrame):
    days = clicks.group_by("user_id").agg(pl.col("day").n_unique())["day"]
    assert 2 <= days.median() <= 5
    assert days.quantile(0.99) > 4 * days.median()


def test_weekdays_are_busier_than_weekends(clicks: pl.DataFrame):
    by_day = clicks.group_by(pl.col("day").dt.weekday()).len().sort("day")["len"].to_list()
    assert min(by_day[:4]) > 1.2 * max(by_day[5:])


def test_evenings_are_busier_than_nights(clicks: pl.DataFrame):
    hours = clicks["timestamp"].dt.convert_time_zone("Europe/Stockholm").dt.hour()
    evening, night = hours.is_between(19, 21).sum(), hours.is_between(2, 4).sum()
    assert evening > 8 * night


def test_swimwear_is_for_summer_and_coats_are_for_winter():
    shop = open_shop(small(items=3_000))
    july, january = (_shares(shop, date(2021, month, 10), 0.0) for month in (7, 1))
    assert july["swimwear"] > 5 * january["swimwear"]
    assert january["coats"] > 3 * july["coats"]


def test_a_warm_day_moves_demand_to_what_is_worn_then():
    shop = open_shop(small(items=3_000))
    warm, cold = (_shares(shop, date(2021, 5, 10), temperature) for temperature in (2.0, -2.0))
    assert warm["shorts"] > 2 * cold["shorts"]
    assert cold["knitwear"] > 2 * warm["knitwear"]


def test_the_weather_of_a_day_stays_for_the_next():
    year = temperatures(3_000, Chance("seed"))
    assert year.std() == pytest.approx(1, abs=0.15)
    assert np.corrcoef(year[1:], year[:-1])[0, 1] == pytest.approx(0.8, abs=0.05)


def test_a_trend_rises_and_dies_and_basics_have_none():
    items = open_shop(small(items=1_000)).items
    curves = np.array([items.trend(day) for day in range(-300, 600)])  # (days, V)
    trendy = items.floor < 1
    best = curves.argmax(axis=0) - 300 - items.launched + 1
    assert np.abs(best - items.peak)[trendy].max() <= 1
    np.testing.assert_allclose(curves[-1][trendy], 0.1, atol=0.02)
    assert (curves[:, ~trendy] == 1).all()
    assert 0.2 < (~trendy).mean() < 0.4


def test_one_click_of_fifty_is_a_purchase():
    _, day, items = a_day(small(users=3_000, interactions=40_000))
    bought = day.chance.of("purchase").uniform(day.visits.which) < 0.02
    assert bought.sum() == pytest.approx(0.02 * len(items), rel=0.35)


def _shares(shop: object, when: date, temperature: float) -> dict[str, float]:
    """Of the day's popularity, by category, with every article on sale."""
    everything = np.ones(len(shop.items), dtype=np.bool_)
    weights = demand(shop.items, shop.users, 0, when, temperature, everything).weights.mean(axis=0)
    sums = np.bincount(shop.items.category, weights, minlength=len(CATEGORIES))
    return {category.name: share for category, share in zip(CATEGORIES, sums, strict=True)}
