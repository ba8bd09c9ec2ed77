"""Stamps in every spelling, and the two nights a year when a local time is none or two."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from hm_pipeline.data.market import TimestampConfig
from hm_pipeline.data.timestamps import instants

NOON = datetime(2021, 6, 9, 12, tzinfo=UTC)
LOCAL = TimestampConfig(zone="Europe/Stockholm")
PLAIN = TimestampConfig()
FILE = Path("a.csv")


def read(value: object, config: TimestampConfig = PLAIN) -> object:
    return instants(pl.Series("timestamp", [value]), config, FILE).utc[0]


@pytest.mark.parametrize(
    ("value", "config"),
    [
        ("2021-06-09T12:00:00Z", LOCAL),
        ("2021-06-09T12:00:00.000000Z", LOCAL),
        ("2021-06-09t12:00:00z", LOCAL),
        ("2021-06-09 12:00:00 UTC", LOCAL),
        ("2021-06-09T14:00:00+02:00", LOCAL),
        ("2021-06-09 14:00:00+0200", LOCAL),
        ("2021-06-09 07:00:00-05", LOCAL),
        ("2021-06-09 12:00", TimestampConfig()),
        ("2021-06-09T12:00Z", LOCAL),  # Java leaves seconds out where they are zero
        ("2021-06-09T14:00+02:00", LOCAL),
        ("  2021-06-09 14:00:00 ", LOCAL),
        ("09/06/2021 14.00", TimestampConfig(zone="Europe/Stockholm", format="%d/%m/%Y %H.%M")),
        ("09/06/2021 14.00 +0200", TimestampConfig(format="%d/%m/%Y %H.%M %z")),
        ("1623240000", TimestampConfig(epoch="s")),
        (1623240000000, TimestampConfig(epoch="ms")),
        (1623240000000000000, TimestampConfig(epoch="ns")),
        (datetime(2021, 6, 9, 14), LOCAL),
        (NOON, LOCAL),
    ],
)
def test_the_same_instant_in_every_spelling(value, config):
    assert read(value, config) == NOON


def test_a_date_is_midnight_in_the_sources_zone():
    assert read(date(2021, 6, 9), LOCAL) == read("2021-06-09", LOCAL) == datetime(2021, 6, 8, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["", "noon", "2021-06-09T25:00:00Z", "2021-02-30", "20210609", "2021-06-09T12:00:00+"]
)
def test_what_is_no_stamp_is_null(value):
    assert read(value) is None


@pytest.mark.parametrize("value", [2**62, -(2**62), 10**18])
def test_numbers_beyond_any_calendar_are_null(value):
    assert read(value, TimestampConfig(epoch="s")) is None


def test_a_time_that_does_not_exist_keeps_the_offset_before_the_change():
    found = instants(pl.Series(["2021-03-28 02:30:00", "2021-03-28 03:30:00"]), LOCAL, FILE)
    assert found.utc.to_list() == [datetime(2021, 3, 28, 1, 30, tzinfo=UTC)] * 2
    assert (found.shifted, found.ambiguous) == (1, 0)


def test_a_time_that_is_there_twice_is_the_first():
    found = instants(pl.Series(["2021-10-31 02:30:00", "2021-10-31 03:30:00"]), LOCAL, FILE)
    assert found.utc[0] == datetime(2021, 10, 31, 0, 30, tzinfo=UTC)
    assert (found.shifted, found.ambiguous) == (0, 1)


def test_where_midnight_itself_does_not_exist_the_day_begins_an_hour_later():
    found = instants(pl.Series([date(2018, 11, 4)]), TimestampConfig(zone="America/Sao_Paulo"), FILE)
    assert found.utc.dt.convert_time_zone("America/Sao_Paulo").dt.date().to_list() == [date(2018, 11, 4)]
