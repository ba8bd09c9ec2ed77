"""Any table of interactions into the raw layout: its own columns, the market's days."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from imported import catalogued, extracted, market_of, raw_layout

from hm_pipeline.data.importers import layout, rows
from hm_pipeline.data.importers.table import import_table
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.errors import (
    ColumnError,
    ConfigError,
    EmptyWindowError,
    QuarantineError,
    UnreadableFileError,
)

SHOP: dict[str, Any] = {
    "name": "shop",
    "timezone": "Europe/Stockholm",
    "window_days": 2,
    "interactions": {
        "user_id": "who",
        "item_id": "what",
        "event_type": None,
        "constant_event": "view",
        "order": "click",
        "timestamp": {"column": "date", "zone": "UTC"},
    },
    "contract": {"max_rejected_share": 0.25, "min_day_share": 0},
}
MARKET = MarketConfig(**SHOP)
CLICKS = [  # the third is at half past midnight in Stockholm
    {"who": "007", "what": "a", "date": "2021-06-01 10:00:00", "click": "1", "note": "first"},
    {"who": "007", "what": "b", "date": "2021-06-01 10:00:00", "click": "2", "note": 'says "hi,\nyou"'},
    {"who": "8", "what": "a", "date": "2021-06-01 22:30:00", "click": "1", "note": "late"},
    {"who": "8", "what": "c", "date": "2021-06-02 09:00:00", "click": "2", "note": "ünïcode"},
]
DAYS = ["2021-06-01", "2021-06-02"]
ENDINGS = ("parquet", "csv", "csv.gz", "jsonl", "jsonl.gz")


def shop(**interactions: Any) -> MarketConfig:
    """The market with other columns."""
    return MarketConfig(**SHOP | {"interactions": SHOP["interactions"] | interactions})


def written(file: Path, lines: list[dict[str, Any]]) -> Path:
    """A table in the format that its ending says."""
    if file.suffix == ".parquet":
        pl.DataFrame(lines).write_parquet(file)
        return file
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    content = pl.DataFrame(lines).write_csv() if ".csv" in file.name else text
    file.write_bytes(gzip.compress(content.encode()) if file.suffix == ".gz" else content.encode())
    return file


def day_of(root: Path, day: str) -> pl.DataFrame:
    folder = root / "web_interactions/market=shop" / f"date={day}"
    return pl.read_parquet(folder / "part-0.parquet", hive_partitioning=False)


def test_rows_go_to_the_day_of_the_markets_zone_with_all_their_columns(tmp_path: Path):
    source = written(tmp_path / "clicks.parquet", CLICKS)
    found = import_table(source, tmp_path / "root", MARKET)
    assert found.counts == {"interactions": 4}
    assert [str(found.first_day), str(found.last_day)] == DAYS
    assert day_of(tmp_path / "root", DAYS[0]).rows(named=True) == CLICKS[:2]
    assert day_of(tmp_path / "root", DAYS[1]).rows(named=True) == CLICKS[2:]


def test_days_are_split_by_the_zone_of_the_partitions_where_it_is_another(tmp_path: Path):
    source = written(tmp_path / "clicks.parquet", CLICKS)
    import_table(source, tmp_path / "root", MarketConfig(**SHOP | {"partition_zone": "UTC"}))
    assert len(day_of(tmp_path / "root", DAYS[0])) == 3


def test_columns_keep_their_types(tmp_path: Path):
    typed = pl.DataFrame(
        {
            "who": pl.Series([7, 8], dtype=pl.UInt32),
            "what": pl.Series(["a", "b"], dtype=pl.Categorical),
            "date": [datetime(2021, 6, 1, 10, tzinfo=UTC), datetime(2021, 6, 1, 11, tzinfo=UTC)],
            "click": [1, 2],
            "tags": [["new"], []],
        }
    )
    typed.write_parquet(tmp_path / "clicks.parquet")
    import_table(tmp_path / "clicks.parquet", tmp_path / "root", MARKET)
    assert day_of(tmp_path / "root", DAYS[0]).equals(typed)


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_every_format_makes_the_same_files(tmp_path: Path, ending: str):
    for name in ("parquet", ending):
        import_table(written(tmp_path / f"clicks.{name}", CLICKS), tmp_path / f"of {name}", MARKET)
    assert raw_layout(tmp_path / f"of {ending}") == raw_layout(tmp_path / "of parquet")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_read_a_line_at_a_time_makes_the_same_files(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
):
    source = written(tmp_path / f"clicks.{ending}", CLICKS)
    import_table(source, tmp_path / "whole", MARKET)
    monkeypatch.setattr(rows, "BLOCK", 1)
    monkeypatch.setattr(layout.batches, "__defaults__", (1,))
    import_table(source, tmp_path / "by line", MARKET)
    assert raw_layout(tmp_path / "by line") == raw_layout(tmp_path / "whole")


@pytest.mark.parametrize("ending", ENDINGS)
def test_extract_reads_what_was_imported(tmp_path: Path, ending: str):
    import_table(written(tmp_path / f"clicks.{ending}", CLICKS), tmp_path / "root", MARKET)
    log = extracted(tmp_path / "root", MARKET, date(2021, 6, 3)).log.frame
    assert log.sort("user_id", "order").select("user_id", "item_id", "order").rows() == [
        ("007", "a", 1),
        ("007", "b", 2),
        ("8", "a", 1),
        ("8", "c", 2),
    ]


def test_articles_and_users_lie_beside_as_they_are_until_an_import_comes_without(tmp_path: Path):
    articles = written(tmp_path / "stock.jsonl.gz", [{"id": "a", "kind": "hat"}, {"id": "b", "kind": "coat"}])
    users = written(tmp_path / "people.csv", [{"user_id": "007"}])
    market = MarketConfig(**SHOP | {"articles": {"item_id": "id", "category": "kind"}})
    source = written(tmp_path / "clicks.csv", CLICKS)
    found = import_table(source, tmp_path / "root", market, articles=articles, users=users)
    assert found.counts == {"interactions": 4, "articles": 2, "users": 1}
    files = raw_layout(tmp_path / "root")
    assert files["articles/market=shop/articles.jsonl.gz"] == articles.read_bytes()
    assert files["users/market=shop/users.csv"] == users.read_bytes()
    known = catalogued(tmp_path / "root", market, date(2021, 6, 3))
    assert known.articles.select("item_id", "category").rows() == [("a", "hat"), ("b", "coat")]
    import_table(source, tmp_path / "root", market)
    assert {name.split("/")[0] for name in raw_layout(tmp_path / "root")} == {"web_interactions"}


def test_a_table_is_imported_again_where_the_market_reads_it_otherwise(tmp_path: Path):
    source = written(tmp_path / "clicks.csv", CLICKS)
    assert import_table(source, tmp_path / "root", MARKET).fresh
    assert not import_table(source, tmp_path / "root", MARKET).fresh
    assert import_table(source, tmp_path / "root", MarketConfig(**SHOP | {"timezone": "UTC"})).fresh
    assert len(day_of(tmp_path / "root", DAYS[0])) == 3


# --- what is wrong


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("interactions", "key"),
    [
        ({"user_id": "whom"}, "market.interactions.user_id"),
        ({"timestamp": {"column": "day"}}, "market.interactions.timestamp.column"),
        ({"price": "price"}, "market.interactions.price"),
    ],
)
def test_a_missing_column_is_named_with_those_there_are_and_the_key_to_change(
    tmp_path: Path, ending: str, interactions: dict[str, Any], key: str
):
    source = written(tmp_path / f"clicks.{ending}", CLICKS)
    with pytest.raises(ColumnError, match=rf"clicks\.{ending}: no column '(whom|day|price)'") as caught:
        import_table(source, tmp_path / "root", shop(**interactions))
    assert "among 'who', 'what', 'date', 'click', 'note'" in str(caught.value)
    assert f"{key} in markets/shop.toml" in str(caught.value)


def test_a_missing_column_of_the_articles_is_named_before_anything_is_written(tmp_path: Path):
    articles = written(tmp_path / "stock.csv", [{"item_id": "a", "kind": "hat"}])
    market = MarketConfig(**SHOP | {"articles": {"category": "sort"}})
    source = written(tmp_path / "clicks.csv", CLICKS)
    with pytest.raises(ColumnError, match=r"stock\.csv.*market\.articles\.category in markets/shop\.toml"):
        import_table(source, tmp_path / "root", market, articles=articles)
    assert raw_layout(tmp_path / "root") == {}


def test_a_column_that_holds_no_stamps_is_named_with_its_key(tmp_path: Path):
    source = written(tmp_path / "clicks.parquet", [CLICKS[0] | {"date": 1_622_541_600}])
    with pytest.raises(
        ColumnError, match=r"set timestamp\.epoch.*market\.interactions\.timestamp in markets/"
    ):
        import_table(source, tmp_path / "root", MARKET)
    import_table(source, tmp_path / "root", shop(timestamp={"column": "date", "epoch": "s"}))
    assert len(day_of(tmp_path / "root", DAYS[0])) == 1


def test_rows_without_a_day_are_counted_and_left_out(tmp_path: Path):
    lines = [*CLICKS, *CLICKS[:2], CLICKS[0] | {"date": "yesterday"}, CLICKS[0] | {"date": " "}]
    found = import_table(written(tmp_path / "clicks.csv", lines), tmp_path / "root", MARKET)
    assert found.counts == {"interactions": 6, "bad_timestamp": 1, "no_timestamp": 1}


def test_a_table_with_too_many_of_them_is_refused_whole(tmp_path: Path):
    lines = [*CLICKS, CLICKS[0] | {"date": "1/6/2021"}, CLICKS[1] | {"date": None}]
    source = written(tmp_path / "clicks.jsonl", lines)
    with pytest.raises(QuarantineError, match=r"2 of 6 rows have no day, 25\.0% is tolerated") as caught:
        import_table(source, tmp_path / "root", MARKET)
    assert "1 bad_timestamp, 1 no_timestamp (e.g. '1/6/2021')" in str(caught.value)
    assert "market.interactions.timestamp in markets/shop.toml" in str(caught.value)
    assert raw_layout(tmp_path / "root") == {}


@pytest.mark.parametrize(
    ("ending", "line", "why"),
    [
        ("csv", b"1,a,2021-06-01 10:00:00,1,note,more\n", "too_many_fields"),
        ("jsonl", b'{"who": "1", "what"\n', "not_json"),
        ("jsonl", b'{"who": 1.0, "what": "a", "date": "2021-06-01"}\n', "inexact_id"),
    ],
)
def test_a_line_that_cannot_be_taken_apart_is_counted_by_its_reason(
    tmp_path: Path, ending: str, line: bytes, why: str
):
    source = written(tmp_path / f"clicks.{ending}", CLICKS)
    source.write_bytes(source.read_bytes() + line)
    assert import_table(source, tmp_path / "root", MARKET).counts == {"interactions": 4, why: 1}


def test_a_log_with_an_order_and_no_times_is_no_market(tmp_path: Path):
    table = pl.DataFrame(CLICKS).with_columns(date=pl.lit(None, pl.Datetime("us")))
    table.write_parquet(tmp_path / "clicks.parquet")
    with pytest.raises(
        ColumnError, match=r"'date' is empty in all 4 rows; a log that has an order but no times"
    ):
        import_table(tmp_path / "clicks.parquet", tmp_path / "root", MARKET)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_table_is_refused(tmp_path: Path, ending: str):
    source = written(tmp_path / f"clicks.{ending}", CLICKS)
    source.write_bytes(source.read_bytes()[:-45])
    with pytest.raises(UnreadableFileError, match=rf"clicks\.{ending}"):
        import_table(source, tmp_path / "root", MARKET)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("clicks.csv", UnreadableFileError, "is empty"),
        ("clicks.xlsx", UnreadableFileError, "nobody reads this ending; known are .parquet"),
        ("absent.csv", ConfigError, r"no file .*absent\.csv"),
        ("header.csv", EmptyWindowError, "no row with a day"),
        ("none.parquet", EmptyWindowError, "no row with a day"),
    ],
)
def test_a_source_that_holds_nothing_has_its_named_error(
    tmp_path: Path, name: str, error: type[Exception], said: str
):
    (tmp_path / "clicks.csv").write_bytes(b"")
    (tmp_path / "clicks.xlsx").write_bytes(b"PK")
    (tmp_path / "header.csv").write_bytes(b"who,what,date,click\n")
    pl.DataFrame(CLICKS).clear().write_parquet(tmp_path / "none.parquet")
    with pytest.raises(error, match=said):
        import_table(tmp_path / name, tmp_path / "root", MARKET)


# --- the logs that are studied


def test_the_five_days_of_sessions_go_through_extract_without_a_loss(tmp_path: Path, shared_data):
    folder, market = shared_data("yoochoose_5days"), market_of("yoochoose")
    found = import_table(folder / "interactions.parquet", tmp_path, market, articles=folder / "items.parquet")
    assert (found.first_day, found.last_day) == (date(2014, 9, 25), date(2014, 9, 29))
    log = extracted(tmp_path, market, date(2014, 9, 30))
    assert (log.counts["accepted"], log.counts["rejected"]) == (436_486, 0)
    assert log.log.frame["user_id"].n_unique() == 106_246
    assert log.log.frame["item_id"].n_unique() == 17_166
    known = catalogued(tmp_path, market, date(2014, 9, 30)).articles
    assert set(log.log.frame["item_id"]) == set(known["item_id"])


def test_four_years_of_reviews_go_through_extract_but_for_those_that_stand_there_twice(
    tmp_path: Path, shared_data
):
    folder, market = shared_data("amazon_electronics_2019"), market_of("electronics")
    found = import_table(folder / "interactions.parquet", tmp_path, market, articles=folder / "items.parquet")
    assert (found.first_day, found.last_day) == (date(2018, 12, 31), date(2023, 3, 20))
    log = extracted(tmp_path, market, date(2023, 3, 21))
    assert (log.counts["rows"], log.counts["accepted"]) == (131_154, 130_500)
    twice = pl.read_parquet(folder / "interactions.parquet").is_duplicated().sum() // 2
    assert log.counts["duplicate"] == log.counts["rejected"] == twice
    assert log.log.frame["user_id"].n_unique() == 15_266
    assert log.log.frame["item_id"].n_unique() == 9_671
    assert catalogued(tmp_path, market, date(2023, 3, 21)).articles["price"].null_count() == 1_826
