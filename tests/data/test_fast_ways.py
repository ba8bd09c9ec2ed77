"""What is done in a quicker way than the obvious one gives what the obvious one gives."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_files import DAY, LAST, market

from hm_pipeline.data.flat import translated, unknown
from hm_pipeline.data.local_days import local_days
from hm_pipeline.data.log import LOG_SCHEMA, InteractionLog
from hm_pipeline.data.median_prices import median_prices
from hm_pipeline.data.partition import Partition, Window
from hm_pipeline.data.sorting import by_two, stably
from hm_pipeline.data.vocabulary import Vocabulary

numbers = st.lists(st.integers(0, 2**32 - 1), max_size=30)
few = st.lists(st.integers(0, 3), max_size=30)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**61), 2**61)), max_size=30))
def test_two_columns_packed_into_one_key_or_too_wide_for_it_are_sorted_by_both(pairs) -> None:
    first = np.array([a for a, _ in pairs], np.uint32)
    second = np.array([b for _, b in pairs], np.int64)
    order = by_two(first, second)
    assert [pairs[n] for n in order] == sorted(pairs)


@given(numbers | few)
def test_a_packed_key_sorts_stably(keys) -> None:
    order = stably(np.array(keys, np.uint32))
    assert order.tolist() == sorted(range(len(keys)), key=lambda n: keys[n])


@pytest.mark.parametrize(
    "zone", ["Europe/Stockholm", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
)
@pytest.mark.parametrize("year", [1890, 1987, 2006, 2011, 2021])
def test_the_day_of_a_minute_is_the_day_of_its_instants(zone: str, year: int) -> None:
    start, year_long = datetime(year, 1, 1, tzinfo=UTC), 366 * 86_400
    seconds = np.random.default_rng(year).integers(0, year_long, 600_000)
    stamps = pl.Series([start]).cast(pl.Datetime("us", "UTC")).extend_constant(start, len(seconds) - 1)
    stamps += pl.Series(seconds * 1_000_000).cast(pl.Duration("us"))
    assert len(seconds) > year_long / 60
    directly = stamps.dt.convert_time_zone(zone).dt.date()
    assert local_days(stamps, zone).equals(directly)
    assert local_days(stamps.head(9), zone).equals(directly.head(9))


def test_an_unknown_instant_has_no_day() -> None:
    stamps = pl.Series([None, datetime(2021, 6, 9, 22, 30, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    assert local_days(stamps, "Europe/Stockholm").to_list() == [None, date(2021, 6, 10)]


@pytest.mark.parametrize("memory_mb", [1_024, 0])
def test_medians_of_counted_prices_are_the_medians_also_where_items_are_halved(memory_mb: int) -> None:
    draw, day = np.random.default_rng(3), date(2021, 6, 1)
    prices = draw.lognormal(3, 1, 3_000).tolist()
    rows = {
        "user_id": ["u"] * 6_000,
        "item_id": [f"i{n}" for n in draw.integers(0, 700, 6_000)],
        "timestamp": [datetime(2021, 6, 1, tzinfo=UTC)] * 6_000,
        "day": [day + timedelta(days=n % 3) for n in range(6_000)],
        "event_type": ["view"] * 6_000,
        "order": [None] * 6_000,
        "price": [*prices, *[None] * 1_000, *prices[:2_000]],
    }
    log = InteractionLog.of("M", day, day + timedelta(days=2), pl.DataFrame(rows, schema=LOG_SCHEMA))
    last = day + timedelta(days=1)
    medians = median_prices(log, last, memory_mb)
    found = medians.select(item_id=log.items.gather(medians["item"]), price="median")
    paid = log.frame.filter((pl.col("day") <= last) & pl.col("price").is_not_null())
    expected = paid.group_by("item_id").agg(pl.col("price").median())
    assert found.sort("item_id").equals(expected.sort("item_id"))


@given(few, st.lists(st.integers(0, 9), min_size=4, max_size=4))
def test_what_a_table_makes_of_items_without_those_it_does_not_know(items, table) -> None:
    array, codes = np.array(items, np.int32), np.array(table, np.int32)
    known = [table[item] for item in items if table[item]]
    assert unknown(array, codes).tolist() == [n for n, item in enumerate(items) if not table[item]]
    assert translated(array, codes, len(known), None).tolist() == known


@given(st.lists(st.text(max_size=5), unique=True, max_size=20))
def test_the_digest_of_a_vocabulary_is_the_one_of_its_ids_one_by_one(ids) -> None:
    vocabulary = Vocabulary.of(ids).without(ids[:1])
    content = hashlib.sha256()
    for id_ in vocabulary.ids:
        content.update(b"\x00" if id_ is None else b"\x01" + id_.encode() + b"\x00")
    assert vocabulary.digest == content.hexdigest()[:12]


def test_a_row_without_a_price_is_not_looked_at_twice() -> None:
    there = Partition(Window(market(), DAY, frozenset()), LAST)
    row = {
        "partition": [LAST], "timestamp": [datetime(2021, 6, 9, 10, tzinfo=UTC)], "price": [None],
        "unread_order": [False], "unread_price": [False],
    }  # fmt: skip
    rows = pl.DataFrame(row, schema_overrides={"price": pl.Float64})
    assert rows.select(there.cheap).to_series().to_list() == [False]
    assert rows.with_columns(price=-1.0).select(there.cheap).to_series().to_list() == [True]
