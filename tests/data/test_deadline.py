"""A local time of a day as an instant, also when the clocks change, and the minutes that are left to a fit."""

from datetime import UTC, date, datetime, time
from itertools import pairwise

import pytest

from hm_pipeline.data.deadline import instant_of, minutes_for_fit

STOCKHOLM = "Europe/Stockholm"


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        (date(2021, 1, 15), time(6), datetime(2021, 1, 15, 5, tzinfo=UTC)),
        (date(2021, 7, 15), time(6), datetime(2021, 7, 15, 4, tzinfo=UTC)),
        (date(2021, 3, 28), time(1, 30), datetime(2021, 3, 28, 0, 30, tzinfo=UTC)),  # before the jump
        (date(2021, 3, 28), time(6), datetime(2021, 3, 28, 4, tzinfo=UTC)),  # after it
        (date(2021, 3, 28), time(2, 30), datetime(2021, 3, 28, 1, 30, tzinfo=UTC)),  # skipped: 03:30 it is
        (date(2021, 10, 31), time(2, 30), datetime(2021, 10, 31, 0, 30, tzinfo=UTC)),  # twice: the first
        (date(2021, 10, 31), time(6), datetime(2021, 10, 31, 5, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_an_instant_also_on_the_days_when_the_clock_is_changed(
    day: date, at: time, instant: datetime
) -> None:
    assert instant_of(day, at, STOCKHOLM) == instant


def test_the_night_of_the_spring_change_is_an_hour_shorter() -> None:
    nights = [instant_of(date(2021, 3, d), time(6), STOCKHOLM) for d in (27, 28, 29)]
    assert [(b - a).total_seconds() / 3600 for a, b in pairwise(nights)] == [23, 24]


def test_without_a_deadline_a_fit_takes_what_the_market_allows() -> None:
    assert minutes_for_fit(None, reserve=20, shares=3, most=180) == 180
    assert minutes_for_fit(None, reserve=20, shares=3, most=None) is None


def test_what_is_left_less_the_reserve_is_divided_among_the_fits_to_come() -> None:
    assert minutes_for_fit(140, reserve=20, shares=1, most=None) == 120
    assert minutes_for_fit(140, reserve=20, shares=3, most=None) == 40
    assert minutes_for_fit(140, reserve=20, shares=3, most=30) == 30
    assert minutes_for_fit(140, reserve=20, shares=3, most=60) == 40


def test_in_the_reserve_nothing_is_left() -> None:
    assert minutes_for_fit(15, reserve=20, shares=2, most=180) == 0
