"""What the best lists can reach, and that the library's own models come near it where they should."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from imported import catalogued, extracted, market_of
from shops import FIRST, small, written

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.build import build
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ConfigError
from hm_pipeline.evaluation.accuracy import hits, matches, ranks
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.itemknn import MarkovConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.oracle import best_hit_ratio

K = 5
DAYS = 10
MARKOV, POPULARITY = MarkovConfig(max_distance=1), PopularityConfig()


def shop(order: float) -> Simulation:
    """One taste and no returns: nothing but the dial."""
    return small(days=DAYS, users=3_000, items=100, interactions=60_000, order=order, returns=0, tastes=1)


@dataclass(frozen=True, eq=False)
class Night:
    """The last day asks, the days before it teach; what was sold out by then is not recommended."""

    samples: Samples
    buyable: Bool

    def hit_ratio(self, model: ModelConfig, asked: str) -> float:
        holdout = self.samples.holdouts[asked]
        fitted = fit(model, self.samples).model
        lists = fitted.recommend(holdout.histories, K, allowed=self.buyable)
        return float(hits(ranks(matches(lists.items, holdout.targets))).mean())


def night(config: Simulation, root: Path) -> Night:
    written(config, root)
    market, last = market_of("sim"), FIRST + timedelta(days=DAYS - 1)
    log = extracted(root, market, last + timedelta(days=1)).log
    catalogue = catalogued(root, market, last)
    learned = build(log, catalogue, SampleConfig(), "next_day", last)
    return Night(learned, catalogue.buyable(learned.items))


@pytest.mark.parametrize("asked", ["first", "last"])
def test_under_pure_order_markov_comes_near_the_oracle_and_popularity_does_not(tmp_path: Path, asked: str):
    learned = night(config := shop(order=1), tmp_path)
    best = best_hit_ratio(config, DAYS - 1, K, asked).mean
    assert 0.9 * best < learned.hit_ratio(MARKOV, asked) < 1.05 * best
    assert learned.hit_ratio(POPULARITY, asked) < 0.6 * best


@pytest.mark.parametrize("asked", ["first", "last"])
def test_under_pure_popularity_popularity_comes_near_the_oracle_and_order_adds_nothing(
    tmp_path: Path, asked: str
):
    learned = night(config := shop(order=0), tmp_path)
    best = best_hit_ratio(config, DAYS - 1, K, asked).mean
    assert 0.9 * best < learned.hit_ratio(POPULARITY, asked) < 1.05 * best
    assert learned.hit_ratio(MARKOV, asked) < 1.05 * learned.hit_ratio(POPULARITY, asked)


def test_the_more_order_the_better_the_best_lists():
    best = [best_hit_ratio(shop(order), 3, K).mean for order in (0, 0.5, 1)]
    assert best == sorted(best)


def test_a_list_of_everything_never_misses():
    assert best_hit_ratio(small(), 1, 200).mean == pytest.approx(1)


def test_a_list_of_more_than_everything_is_one_of_everything():
    assert best_hit_ratio(small(), 1, 201) == best_hit_ratio(small(), 1, 200)


@pytest.mark.parametrize("day", [-1, 7])
def test_a_day_that_the_shop_does_not_have_is_an_error(day: int):
    with pytest.raises(ConfigError, match=rf"7 days has no day {day}: ask for one from 0 to 6"):
        best_hit_ratio(small(), day, K)


def test_a_list_without_places_is_an_error():
    with pytest.raises(ConfigError, match="at least 1"):
        best_hit_ratio(small(), 1, 0)


def test_so_many_clicks_are_asked_about_as_there_are_or_as_is_said():
    everybody, some = (best_hit_ratio(small(), 1, K, "every", most) for most in (10**6, 50))
    assert (some.n, everybody.n > 300) == (50, True)
    assert some.mean == pytest.approx(everybody.mean, abs=4 * some.se)
