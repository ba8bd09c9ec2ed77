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


def test_into_a_bucket_without_the_importers_own_marker(tmp_path: Path, s3_root: str):
    source = tmp_path / "clicks.csv"
    source.write_text(HEADER + CLICKS)
    with World(tmp_path, f"{s3_root}/importing").entered():
        uci_eshop(source, "eshop")
    found = open_storage(f"{s3_root}/importing/raw").keys()
    assert {e.key for e in found} == LAYOUT


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
