"""What is known of items as numbers: prices as they were paid, ages since the launch."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hm_pipeline.data.build import build
from hm_pipeline.data.log import ARTICLE_SCHEMA, LOG_SCHEMA, USER_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.values import item_values
from hm_pipeline.data.vocabulary import Vocabulary

FIRST, LAST = date(2021, 6, 1), date(2021, 6, 3)
UNKNOWN = pytest.approx(math.nan, nan_ok=True)

Paid = tuple[str, float | None, int]  # item, price, days since the first


def log(*paid: Paid) -> InteractionLog:
    rows = [
        {
            "user_id": "u",
            "item_id": item,
            "timestamp": datetime(2021, 6, 1 + day, 12, n, tzinfo=UTC),
            "day": FIRST + timedelta(days=day),
            "event_type": "view",
            "price": price,
        }
        for n, (item, price, day) in enumerate(paid)
    ]
    return InteractionLog.of("SE", FIRST, FIRST + timedelta(days=9), pl.DataFrame(rows, schema=LOG_SCHEMA))


def catalogue(**articles: dict[str, object]) -> Catalogue:
    rows = [{"item_id": item, **known} for item, known in articles.items()]
    return Catalogue(pl.DataFrame(rows, schema=ARTICLE_SCHEMA), USER_SCHEMA.to_frame())


def values(of: InteractionLog, known: Catalogue, *items: str) -> dict[str, list[float]]:
    found = item_values(of, known, Vocabulary.of([*items]), LAST)
    return {name: array.tolist() for name, array in found.items()}


def test_the_price_is_the_median_of_what_was_logged() -> None:
    paid = log(("a", 10, 0), ("a", 30, 0), ("a", 11, 1), ("b", 4, 0), ("b", 6, 2))
    assert values(paid, Catalogue.empty(), "a", "b") == {"price": [UNKNOWN, 11, 5]}


def test_what_is_paid_after_the_last_day_is_not_known_yet() -> None:
    paid = log(("a", 10, 2), ("a", 99, 3), ("b", 7, 3))
    assert values(paid, Catalogue.empty(), "a", "b") == {"price": [UNKNOWN, 10, UNKNOWN]}


def test_rows_without_a_price_say_nothing() -> None:
    assert values(log(("a", None, 0), ("a", 8, 0)), Catalogue.empty(), "a") == {"price": [UNKNOWN, 8]}


def test_the_catalogues_price_stands_in_where_nobody_logged_one() -> None:
    known = catalogue(a={"price": 50.0}, b={"price": 60.0})
    assert values(log(("a", 10, 0), ("b", None, 0)), known, "a", "b") == {"price": [UNKNOWN, 10, 60]}


def test_age_is_counted_in_days_from_a_launch_on_record_and_never_from_a_first_click() -> None:
    known = catalogue(a={"launched": date(2021, 5, 4)}, b={"launched": None})
    assert values(log(("a", None, 0), ("b", None, 0)), known, "a", "b") == {"age": [UNKNOWN, 30, UNKNOWN]}


def test_a_launch_to_come_is_a_placeholder() -> None:
    known = catalogue(a={"launched": date(9999, 12, 31)}, b={"launched": LAST})
    assert values(log(("a", None, 0), ("b", None, 0)), known, "a", "b") == {"age": [UNKNOWN, UNKNOWN, 0]}


def test_what_no_item_has_is_left_out() -> None:
    assert values(log(("a", None, 0)), Catalogue.empty(), "a") == {}


def test_items_outside_the_vocabulary_put_nothing_in_the_place_of_no_item() -> None:
    known = catalogue(x={"price": 3.0, "launched": date(2021, 5, 4)})
    assert values(log(("x", 10, 0), ("a", 8, 0)), known, "a") == {"price": [UNKNOWN, 8]}


def test_samples_carry_them_to_disk_and_their_digest_sees_them(tmp_path: Path) -> None:
    cheap, dear = (build(log(("a", price, 0), ("b", 2, 1)), catalogue(a={"launched": date(2021, 5, 4)}),
                         SampleConfig(), "refit", LAST) for price in (1.0, 9.0))  # fmt: skip
    cheap.save(tmp_path)
    again = Samples.load(tmp_path)
    assert {name: array.tolist() for name, array in again.values.items()} == {
        "price": [UNKNOWN, 1, 2],
        "age": [UNKNOWN, 29, UNKNOWN],
    }
    assert again.digest == cheap.digest
    assert dear.digest != cheap.digest
