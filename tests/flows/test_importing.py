"""`hm import` into a folder and into a bucket: the same raw layout."""

import shutil
from pathlib import Path

import pytest
from embedded import World

from flows.importing import table, uci_eshop
from hm_pipeline.errors import ConfigError
from hm_pipeline.storage import open_storage

HEADER = (
    "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);colour;"
    "location;model photography;price;price 2;page\n"
)
CLICKS = "2008;4;1;1;29;1;1;A13;1;5;1;28;2;1\n2008;4;1;2;29;1;2;B4;10;2;1;52;1;1\n2008;4;2;1;29;2;2;B4;10;2;1;52;1;1\n"
LAYOUT = {
    "articles/market=eshop/articles.parquet",
    "web_interactions/market=eshop/date=2008-04-01/part-0.parquet",
    "web_interactions/market=eshop/date=2008-04-02/part-0.parquet",
}


def test_into_a_folder_and_a_second_time_nothing_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "clicks.csv"
    source.write_text(HEADER + CLICKS)
    world = World(tmp_path)
    with world.entered():
        uci_eshop(source, "eshop")
        assert "imported" in capsys.readouterr().out
        uci_eshop(source, "eshop")
        assert "already there" in capsys.readouterr().out
    assert {e.key for e in open_storage(str(world.raw)).keys()} == LAYOUT  # noqa: SIM118


def test_into_a_bucket_once_and_again_without_what_was_there_before(
    tmp_path: Path, s3_root: str, capsys: pytest.CaptureFixture[str]
):
    source, raw = tmp_path / "clicks.csv", open_storage(f"{s3_root}/importing/raw")
    source.write_text(HEADER + CLICKS)
    raw.write("articles/market=eshop/prices.csv", b"by hand")
    with World(tmp_path, f"{s3_root}/importing").entered():
        uci_eshop(source, "eshop")
        assert "imported" in capsys.readouterr().out
        uci_eshop(source, "eshop")
        assert "already there" in capsys.readouterr().out
        ours = {"users/market=eshop/_import.json", "articles/market=eshop/prices.csv"}
        assert {e.key for e in raw.keys("")} == LAYOUT | ours
        first_day, _ = CLICKS.split("2008;4;2")
        source.write_text(HEADER + first_day)
        uci_eshop(source, "eshop")
        assert "removed: 1 days of an earlier import, 2008-04-02 to 2008-04-02" in capsys.readouterr().out
    left = {key for key in LAYOUT if "2008-04-02" not in key}
    assert {e.key for e in raw.keys("")} == left | ours


def test_any_table_of_a_market_whose_columns_its_toml_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    clicks, stock = tmp_path / "clicks.csv", tmp_path / "stock.csv"
    clicks.write_text("user_id,item_id,timestamp,event_type,price\nu1,i1,2021-06-01T10:00:00Z,view,9.5\n")
    stock.write_text("item_id,name,category\ni1,a hat,hats\n")
    world = World(tmp_path)
    world.settle()
    with world.entered():
        shutil.rmtree(world.raw)
        table(clicks, "tiny", articles=stock)
    assert "1 interactions, 1 articles; 2021-06-01 to 2021-06-01" in capsys.readouterr().out
    assert {e.key for e in open_storage(str(world.raw)).keys()} == {  # noqa: SIM118
        "articles/market=tiny/articles.csv",
        "web_interactions/market=tiny/date=2021-06-01/part-0.parquet",
    }


def test_a_table_for_a_market_without_a_toml_is_answered_with_those_that_have_one(tmp_path: Path):
    world = World(tmp_path)
    world.settle()
    with world.entered(), pytest.raises(ConfigError, match="markets known: tiny"):
        table(tmp_path / "clicks.csv", "Atlantis")


def test_each_day_of_a_table_ends_with_the_marker_that_its_market_waits_for(tmp_path: Path):
    clicks, world = tmp_path / "clicks.csv", World(tmp_path)
    clicks.write_text("user_id,item_id,timestamp,event_type,price\nu1,i1,2021-06-01T10:00:00Z,view,9.5\n")
    world.settle()
    toml = world.folder / "config" / "markets" / "tiny.toml"
    toml.write_text(
        toml.read_text().replace("[market.contract]", '[market.contract]\nreadiness = "_SUCCESS"')
    )
    with world.entered():
        shutil.rmtree(world.raw)
        table(clicks, "tiny")
    day = world.raw / "web_interactions" / "market=tiny" / "date=2021-06-01"
    assert sorted(file.name for file in day.iterdir()) == ["_SUCCESS", "part-0.parquet"]
