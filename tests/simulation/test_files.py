"""What a simulated market is made of: the same files each time, which the pipeline takes as they are."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from imported import catalogued, extracted, market_of
from shops import FIRST, contents, interactions, small, written

from hm_pipeline.errors import ConfigError
from hm_pipeline.simulation.demand import demand
from hm_pipeline.simulation.files import raw_files
from hm_pipeline.simulation.shop import open_shop


def test_the_same_arguments_make_the_same_bytes_whatever_is_worked_on_at_once():
    config = small(bots=1)
    assert contents(config) == contents(config, chunk=200)


@pytest.mark.parametrize("change", [{"seed": 2}, {"order": 0.6}, {"returns": 0.2}, {"bots": 1}])
def test_other_arguments_make_other_interactions(change: dict[str, float]):
    assert not interactions(small(days=2)).equals(interactions(small(days=2, **change)))


def test_a_market_has_users_and_each_day_its_interactions_and_articles():
    assert list(contents(small(days=2))) == [
        "users/market=sim/users.parquet",
        "web_interactions/market=sim/date=2021-05-01/part-000.parquet",
        "articles/market=sim/date=2021-05-01/articles.parquet",
        "web_interactions/market=sim/date=2021-05-02/part-000.parquet",
        "articles/market=sim/date=2021-05-02/articles.parquet",
    ]


def test_a_day_on_which_nobody_comes_has_a_file_all_the_same_and_extract_takes_it(tmp_path: Path):
    config = small(days=6, users=20, interactions=30)
    rows = [file.rows() for file in raw_files(config) if file.path.startswith("web_interactions/")]
    assert len(rows) == 6
    assert min(map(len, rows)) == 0, "or else there is nothing to see here"
    assert len({tuple(day.schema.items()) for day in rows}) == 1
    found = extracted(written(config, tmp_path), market_of("sim"), FIRST + timedelta(days=6))
    assert found.counts["accepted"] == sum(map(len, rows))


def test_more_days_than_the_articles_last_for_are_refused():
    assert small(items=100, days=2_000, interactions=2_000)
    with pytest.raises(ValueError, match=r"100 items launched over 20,000 days about 1 .* ask for 844 items"):
        small(items=100, days=20_000)


@pytest.mark.parametrize("on_sale", [0, 1])
def test_a_day_with_nothing_else_on_sale_is_an_error(on_sale: int):
    shop = open_shop(small())
    with pytest.raises(ConfigError, match=f"on 2021-05-01 {on_sale} of 200 articles .* ask for more items"):
        demand(shop.items, shop.users, 0, FIRST, 0.0, np.arange(200) < on_sale)


@pytest.mark.parametrize("first", [date(2021, 3, 27), date(2021, 10, 30)])  # 23 and 25 hours on the next day
def test_a_day_is_a_local_day_also_where_the_clock_is_changed(first: date):
    rows = interactions(small(first=first, days=3, bots=1))
    local = rows["timestamp"].dt.convert_time_zone("Europe/Stockholm").dt.date()
    assert local.equals(rows["day"], check_names=False)
    assert rows["day"].unique().sort().to_list() == [first + timedelta(days=n) for n in range(3)]


def test_extract_takes_every_row_of_people(tmp_path: Path):
    config = small(days=7)
    found = extracted(written(config, tmp_path), market_of("sim"), FIRST + timedelta(days=7))
    assert found.counts["rows"] == found.counts["accepted"] == len(interactions(config))
    assert found.log.frame["price"].null_count() == 0


def test_extract_rejects_the_bots_and_nobody_else(tmp_path: Path):
    config = small(days=3, users=9_000, interactions=30_000, bots=1)
    found = extracted(written(config, tmp_path), market_of("sim"), FIRST + timedelta(days=3))
    rejected = found.quarantine
    assert rejected["reason"].unique().to_list() == ["bot"]
    assert rejected["user_id"].unique().to_list() == ["u0009000"]
    assert found.counts["bot"] > 3 * 2_000


def test_the_catalogue_is_read_with_every_attribute(tmp_path: Path):
    config = small(days=2)
    known = catalogued(written(config, tmp_path), market_of("sim"), FIRST + timedelta(days=2))
    assert len(known.users) == 600
    assert sum(known.users.null_count().row(0)) + sum(known.articles.null_count().row(0)) == 0


def test_an_article_is_clicked_from_its_launch_until_it_is_sold_out():
    config = small(days=20, users=3_000, interactions=100_000, bots=1)
    snapshots = {file.day: file.rows() for file in raw_files(config) if file.path.startswith("articles/")}
    rows = interactions(config)
    for day, known in snapshots.items():
        today, later = rows.filter(pl.col("day") == day), rows.filter(pl.col("day") > day)
        gone = known.filter(~pl.col("available"))["item_id"]
        assert set(today["item_id"]) <= set(known["item_id"])
        assert known["launched"].max() <= day
        assert not set(later["item_id"]) & set(gone)
    last = snapshots[max(snapshots)]
    assert 0 < last["available"].not_().sum() < len(last) / 2
    assert len(last) > len(snapshots[FIRST])


def test_nobody_does_two_things_at_once():
    rows = interactions(small(users=300, interactions=5_000))
    assert not rows.select("user_id", "timestamp").is_duplicated().any()
