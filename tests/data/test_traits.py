"""What a log can tell about time and order, on logs small enough to count."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from hm_pipeline.data.log import LOG_SCHEMA, InteractionLog
from hm_pipeline.data.traits import Traits, traits

FIRST = date(2021, 6, 1)
Event = tuple[str, str, int, int] | tuple[str, str, int, int, int | None]  # user, item, day, hour, order


def of(*events: Event, kinds: tuple[str, ...] = ()) -> Traits:
    rows = [
        {
            "user_id": user,
            "item_id": item,
            "timestamp": datetime(2021, 6, 1 + day, hour, tzinfo=UTC),
            "day": FIRST + timedelta(days=day),
            "event_type": kinds[n] if kinds else "view",
            "order": order[0] if order else None,
        }
        for n, (user, item, day, hour, *order) in enumerate(events)
    ]
    frame = pl.DataFrame(rows, schema=LOG_SCHEMA)
    return traits(InteractionLog.of("SE", FIRST, FIRST + timedelta(days=9), frame), ("view",), 3)


def test_a_log_of_sessions_has_nobody_who_returns() -> None:
    found = of(("s1", "a", 0, 9), ("s1", "b", 0, 10), ("s2", "a", 1, 9), ("s2", "c", 1, 10))
    assert (found.users, found.items, found.interactions) == (2, 3, 4)
    assert (found.returning, found.same_day) == (0.0, 0.5)


def test_a_user_returns_when_he_is_seen_on_a_second_day() -> None:
    once, twice = (
        [("u", "a", 0, 9), ("u", "b", 0, 10)],
        [("v", "a", 0, 9), ("v", "b", 3, 9), ("v", "a", 3, 10)],
    )
    found = of(*once, *twice)
    assert found.returning == 0.5
    assert found.same_day == pytest.approx(2 / 5)  # u's b and v's second a


def test_the_first_of_the_next_user_follows_nobody() -> None:
    found = of(("u", "a", 0, 9), ("v", "b", 0, 9))
    assert (found.returning, found.same_day, found.tied) == (0.0, 0.0, 0.0)


def test_a_tie_is_a_follower_with_the_stamp_of_the_one_before() -> None:
    found = of(("u", "a", 0, 9), ("u", "b", 0, 9), ("u", "c", 0, 10), ("u", "d", 0, 11), ("u", "e", 1, 11))
    assert found.tied == pytest.approx(1 / 3)  # b ties with a; c and d follow too, e on another day


def test_an_order_column_unties() -> None:
    assert of(("u", "a", 0, 9, 1), ("u", "b", 0, 9, 2)).tied == 0
    assert of(("u", "a", 0, 9, 1), ("u", "b", 0, 9, 1)).tied == 1
    assert of(("u", "a", 0, 9, 1), ("u", "b", 0, 9, None)).tied == 0  # known to stand before


def test_events_that_make_no_history_are_not_counted() -> None:
    found = of(("u", "a", 0, 9), ("u", "b", 1, 9), kinds=("view", "purchase"))
    assert (found.interactions, found.returning) == (1, 0.0)


def test_lengths_are_those_of_cleaned_histories() -> None:
    found = of(
        *[("u", item, 0, hour) for hour, item in enumerate("aabab")], ("v", "a", 0, 9), ("v", "c", 0, 10)
    )
    assert (found.median_length, found.longest) == (3.0, 4)


def test_the_share_of_longer_histories_is_counted() -> None:
    found = of(
        *[(f"u{n}", "a", 0, 9) for n in range(90)], *[(f"v{n}", i, 0, 9) for n in range(10) for i in "abc"]
    )
    assert found.share_longer(0) == 1
    assert found.share_longer(1) == 0.1
    assert found.share_longer(2) == 0.1
    assert found.share_longer(3) == 0


def test_one_long_history_among_many_is_no_hundredth() -> None:
    found = of(*[(f"u{n}", "a", 0, 9) for n in range(399)], ("v", "a", 0, 9), ("v", "b", 0, 10))
    assert found.share_longer(1) == 1 / 400
    assert Traits(**found.model_dump(mode="json")) == found
