"""Every row is accounted for, once, and what does not matter changes nothing."""

import random
from datetime import date, timedelta

import polars as pl
import pytest
from raw_files import DAY, LAST, csv, good, jsonl, market, row, write

from hm_pipeline.data.extract import examine, extract
from hm_pipeline.data.market import InteractionColumns, TimestampConfig
from hm_pipeline.data.quarantine import WITHHELD
from hm_pipeline.errors import EmptyWindowError, LateDataError

BAD = [row(user=""), row(price="-3"), row(timestamp="x"), good()[0]]


def window_files(folder, rows_a_day=6, last=LAST, days=10):
    """One csv a day, the last `days` days."""
    found = {}
    for back in range(days):
        day = last - timedelta(days=back)
        found[day] = [write(folder / f"date={day}", "a.csv", csv(good(day, rows_a_day)))]
    return found


def test_every_row_is_counted_exactly_once(tmp_path):
    rows = [
        *good(),
        *BAD,
        row(user="erased"),
        row(event="add_to_cart", item=None),
        row(timestamp="1999-01-01"),
    ]
    found = extract({LAST: [write(tmp_path, "a.csv", csv(rows))]}, market(), DAY, frozenset({"erased"}))
    c = found.counts
    assert c["rows"] == c["erased"] + c["other_event"] + c["outside_window"] + c["accepted"] + c["rejected"]
    assert (c["erased"], c["other_event"], c["accepted"], c["rejected"]) == (1, 1, 6, 5)
    assert c["rejected"] == sum(c[reason] for reason in found.quarantine["reason"].unique())


def test_the_order_of_rows_and_how_they_are_cut_into_files_change_nothing(tmp_path):
    rows = [*good(n=20), *BAD]
    whole = extract({LAST: [write(tmp_path / "1", "a.csv", csv(rows))]}, market(), DAY)
    random.Random(1).shuffle(rows)
    parts = [write(tmp_path / "2", f"{n}.jsonl.gz", jsonl(rows[n::3])) for n in range(3)]
    shuffled = extract({LAST: [parts[2], parts[0], parts[1]]}, market(), DAY)
    assert shuffled.log.frame.equals(whole.log.frame)
    assert shuffled.counts == whole.counts


def test_what_lies_on_the_run_date_or_later_changes_nothing(tmp_path):
    files = window_files(tmp_path)
    later = {
        DAY + timedelta(days=n): [write(tmp_path, f"{n}.csv", csv(good(DAY + timedelta(days=n))))]
        for n in (0, 1)
    }
    assert extract({**files, **later}, market(), DAY).log.frame.equals(
        extract(files, market(), DAY).log.frame
    )


def test_ids_that_differ_by_leading_zeros_stay_two(tmp_path):
    ids = ["7", "07", "007"]
    rows = [row(user=u, item=i) for u in ids for i in ids]
    for name, content in (("a.csv", csv(rows)), ("a.jsonl", jsonl(rows))):
        found = extract({LAST: [write(tmp_path, name, content)]}, market(), DAY)
        assert found.log.frame["user_id"].n_unique() == found.log.frame["item_id"].n_unique() == 3


def test_whole_numbers_in_parquet_are_the_same_ids_as_their_text(tmp_path):
    numbers = pl.DataFrame(good()).with_columns(user_id=pl.Series([1, 2, 3, 1, 2, 3]))
    files = [
        write(tmp_path, "a.parquet", numbers),
        write(tmp_path, "b.csv", csv([row(user="1", item="other")])),
    ]
    assert sorted(extract({LAST: files}, market(), DAY).log.frame["user_id"].unique()) == ["1", "2", "3"]


def test_nothing_of_an_erased_user_is_left_anywhere(tmp_path):
    rows = [*good(), row(user="gone"), row(user="gone", price="-1"), row(user="gone", timestamp="x")]
    content = jsonl(rows) + b'{"user_id": "gone", "item\n'
    found = extract({LAST: [write(tmp_path, "a.jsonl", content)]}, market(), DAY, frozenset({"gone"}))
    assert found.counts["erased"] == 3
    assert found.quarantine.select("user_id", "row").rows() == [(None, WITHHELD)]
    assert "gone" not in str(found.log.frame.rows())


def test_an_erased_user_is_not_read_out_of_a_row_whose_columns_slipped(tmp_path):
    late = f"{LAST}T10:00:00Z"
    slipped = [
        f",gone,{late},view,1",
        f"x,gone,i1,{late},view,9.9",
        f"gone,,{late},view,1",
        "x,gone,never,view,1",
    ]
    content = csv(good()) + "\n".join([*slipped, "x,i1,never,view,1"]).encode() + b"\n"
    found = extract({LAST: [write(tmp_path, "a.csv", content)]}, market(), DAY, frozenset({"gone"}))
    assert found.counts["erased"] == 1
    assert dict(found.quarantine.group_by("reason").len().iter_rows()) == {
        "no_user_id": 1, "too_many_fields": 1, "bad_timestamp": 2,
    }  # fmt: skip
    assert sorted(found.quarantine["row"].eq(WITHHELD)) == [False, True, True, True]
    assert "gone" not in str(found.quarantine.rows())


def test_an_erased_user_is_not_read_out_of_lines_that_a_stray_quote_swallowed(tmp_path):
    late = f"{LAST}T10:00:00Z"
    swallowed = f'u1,"i1,{late},view,1\ngone,i2,{late},view,1\nu3,i3",{late},view,3\n'
    content = csv(good()) + swallowed.encode()
    found = extract({LAST: [write(tmp_path, "a.csv", content)]}, market(), DAY, frozenset({"gone"}))
    assert found.quarantine.select("user_id", "row").rows() == [("u1", WITHHELD)]


def test_a_user_who_does_more_than_a_person_can_is_a_bot_for_that_day(tmp_path):
    yesterday = LAST - timedelta(days=1)
    bot = [row("bot", f"i{n}", f"{LAST}T11:{n:02}:00Z") for n in range(10)]
    files = {
        yesterday: [
            write(tmp_path, "1.csv", csv([*good(yesterday), row("bot", "i1", f"{yesterday}T10:00:00Z")]))
        ],
        LAST: [write(tmp_path, "2.csv", csv([*good(), *bot[:5]])), write(tmp_path, "3.csv", csv(bot[5:]))],
    }
    found = extract(files, market(), DAY)
    assert found.counts["bot"] == 10
    assert found.log.frame.filter(user_id="bot")["day"].to_list() == [yesterday]


def test_two_equal_rows_with_ids_of_their_own_are_two(tmp_path):
    twice = pl.DataFrame([{**row(), "basket": "1"}, {**row(), "basket": "2"}, {**row(), "basket": "2"}])
    file = write(tmp_path, "a.parquet", twice)
    assert extract({LAST: [file]}, market(), DAY).counts["accepted"] == 1
    columns = InteractionColumns(price="price", event_id="basket")
    assert extract({LAST: [file]}, market(interactions=columns), DAY).counts["accepted"] == 2


def test_a_market_names_its_columns_events_and_stamps_itself(tmp_path):
    content = b"visitor;sku;ms;what;n\n1;a;1623232800000;click;2\n1;b;1623232800000;click;1\n1;b;1623232800000;logo;\n"
    columns = InteractionColumns(
        user_id="visitor",
        item_id="sku",
        timestamp=TimestampConfig(column="ms", epoch="ms"),
        event_type="what",
        events={"click": "view"},
        order="n",
    )
    found = extract(
        {LAST: [write(tmp_path, "a.csv", content)]}, market(interactions=columns, csv_separator=";"), DAY
    )
    assert found.log.frame.select("item_id", "event_type", "order").rows() == [
        ("a", "view", 2),
        ("b", "view", 1),
    ]
    assert found.counts["other_event"] == 1


def test_partitions_by_utc_give_the_same_local_days(tmp_path):
    stamps = ["2021-06-08T21:59:59Z", "2021-06-08T22:00:00Z", "2021-06-09T21:59:59Z", "2021-06-09T22:00:00Z"]
    files = {
        date(2021, 6, 8): [write(tmp_path, "8.csv", csv(row(timestamp=s) for s in stamps[:2]))],
        date(2021, 6, 9): [write(tmp_path, "9.csv", csv(row(timestamp=s) for s in stamps[2:]))],
    }
    found = extract(files, market(partition_zone="UTC"), DAY)
    assert found.log.frame["day"].to_list() == [date(2021, 6, 8), date(2021, 6, 9), date(2021, 6, 9)]
    assert (found.counts["outside_window"], found.counts["rejected"]) == (1, 0)  # what follows is tomorrow's


@pytest.mark.parametrize(("day", "hours"), [(date(2021, 3, 28), 23), (date(2021, 10, 31), 25), (LAST, 24)])
def test_the_night_the_clock_changes_belongs_whole_to_its_local_day(tmp_path, day, hours):
    first = pl.datetime(day.year, day.month, day.day, time_zone="Europe/Stockholm")
    stamps = pl.select(pl.datetime_range(first, first.dt.offset_by("1d"), "1h", closed="left")).to_series()
    utc = stamps.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    file = write(
        tmp_path, "a.csv", csv(row(item=f"i{n}", user=f"u{n % 5}", timestamp=s) for n, s in enumerate(utc))
    )
    found = extract({day: [file]}, market(), day + timedelta(days=1))
    assert found.log.frame["day"].to_list() == [day] * hours
    assert found.counts["rejected"] == 0


def test_a_half_arrived_newest_day_is_late_and_names_the_numbers(tmp_path):
    market_ = market(window_days=22)
    files = window_files(tmp_path, rows_a_day=10, days=22)
    extract(files, market_, DAY)
    files[LAST] = [write(tmp_path, "half.csv", csv(good(LAST, 4)))]
    with pytest.raises(LateDataError, match=r"holds 4 good rows.* 10, 10, 10.* at least 5"):
        extract(files, market_, DAY)
    closed = market_.contract.model_copy(update={"closed_days": ("06-09",)})
    assert extract(files, market_.model_copy(update={"contract": closed}), DAY).counts["accepted"] == 214


def test_a_newest_day_with_a_header_alone_is_late(tmp_path):
    with pytest.raises(LateDataError, match="holds 0 good rows"):
        extract({**window_files(tmp_path), LAST: [write(tmp_path, "a.csv", csv([]))]}, market(), DAY)


def test_a_window_without_any_history_event_says_where_to_look(tmp_path):
    with pytest.raises(
        EmptyWindowError, match=r"interaction_events \(click\).* own events are view: .*events maps"
    ):
        extract(window_files(tmp_path), market(interaction_events=("click",)), DAY)


def test_the_quarantine_of_a_refused_window_can_still_be_kept(tmp_path):
    strict = market().contract.model_copy(update={"max_rejected_share": 0.0})
    found = examine({LAST: [write(tmp_path, "a.csv", csv([*good(), *BAD]))]}, market(contract=strict), DAY)
    assert len(found.quarantine) == 4


def test_progress_tells_each_partition(tmp_path):
    steps = []
    extract(window_files(tmp_path), market(), DAY, progress=steps.append)
    assert [step.done for step in steps] == list(range(1, 11))
