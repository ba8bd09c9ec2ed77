"""Which files a run date reads, from keys alone."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from raw_files import DAY, LAST, market

from hm_pipeline.data.raw import choose, expired, partition_days, snapshot
from hm_pipeline.errors import LateDataError, MissingPartitionsError, UnreadableFileError


@dataclass(frozen=True)
class Key:
    key: str
    size: int = 1


def keys(days=range(1, 11), names=("a.parquet",)):
    return [
        Key(f"web_interactions/market=SE/date={DAY - timedelta(days=n)}/{name}")
        for n in days
        for name in names
    ]


def marked(**changes):
    return market(contract=market().contract.model_copy(update={"readiness": "_SUCCESS", **changes}))


def test_the_window_ends_with_the_day_before_and_later_days_are_not_read():
    chosen = choose(keys(range(-2, 20), ("b.csv.gz", "a.jsonl")), market(), DAY)
    assert list(chosen.files) == [DAY - timedelta(days=n) for n in range(10, 0, -1)]
    assert [file.key.rsplit("/")[-1] for file in chosen.files[LAST]] == ["a.jsonl", "b.csv.gz"]
    assert (chosen.missing, chosen.strays) == ((), ())


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        (None, date(2021, 5, 31), date(2021, 6, 9)),
        ("UTC", date(2021, 5, 30), date(2021, 6, 9)),
        ("Asia/Tokyo", date(2021, 5, 31), date(2021, 6, 10)),
    ],
)
def test_partitions_of_another_zone_cost_one_neighbour(zone, first, last):
    days = partition_days(market(partition_zone=zone), DAY)
    assert (days[0], days[-1]) == (first, last)
    assert len(days) == (last - first).days + 1


def test_a_missing_newest_day_is_late():
    with pytest.raises(LateDataError, match=f"date={LAST}/ is not there yet"):
        choose(keys(range(2, 11)), market(), DAY)


def test_a_newest_day_without_its_marker_is_late():
    rest = keys(range(2, 11), ("a.parquet", "_SUCCESS"))
    with pytest.raises(LateDataError, match="has no _SUCCESS yet"):
        choose([*rest, *keys([1])], marked(), DAY)
    assert len(choose([*rest, *keys([1], ("a.parquet", "_SUCCESS"))], marked(), DAY).files) == 10


def test_some_missing_days_are_told_and_more_stop_the_run():
    assert choose(keys([1, *range(3, 11)]), market(), DAY).missing == (DAY - timedelta(days=2),)
    with pytest.raises(MissingPartitionsError, match=r"2 of the 10 .*2021-06-07, 2021-06-08"):
        choose(keys([1, *range(4, 11)]), market(), DAY)


def test_a_closed_day_is_neither_late_nor_missing():
    closed = market(
        contract=market().contract.model_copy(
            update={"closed_days": ("06-09", "2021-06-08"), "max_missing_share": 0}
        )
    )
    assert choose(keys(range(3, 11)), closed, DAY).missing == ()


def test_markers_and_temporaries_are_no_data():
    hidden = keys([1], ("_committed_1", ".part.parquet.new", "_temporary/0/a.parquet"))
    assert [f.key[-9:] for f in choose([*keys(), *hidden], market(), DAY).files[LAST]] == ["a.parquet"]


def test_an_ending_that_nobody_reads_is_named():
    with pytest.raises(UnreadableFileError, match=r"part-0\.orc"):
        choose([*keys(), *keys([3], ("part-0.orc",))], market(), DAY)


def test_keys_outside_any_day_are_told():
    strays = [
        Key(f"web_interactions/market=SE/{name}") for name in ("a.csv", "date=2021-6-1/a.csv", "date=x/a.csv")
    ]
    assert choose([*keys(), *strays], market(), DAY).strays == tuple(sorted(key.key for key in strays))


def test_another_market_is_not_read():
    others = [Key(key.key.replace("market=SE", "market=SE2")) for key in keys()]
    with pytest.raises(LateDataError):
        choose(others, market(), DAY)


def test_the_newest_snapshot_that_the_run_may_know_wins():
    dated = [
        Key(f"articles/market=SE/date={day}/a.csv") for day in ("2021-05-01", "2021-06-09", "2021-06-10")
    ]
    undated = [Key("articles/market=SE/a.csv"), Key("articles/market=SE/_SUCCESS")]
    assert snapshot([*dated, *undated], "articles", market(), DAY).day == LAST
    only_later = snapshot([dated[2], *undated], "articles", market(), DAY)
    assert (only_later.day, only_later.files) == (None, (undated[0],))
    assert "may see later values" in only_later.remark
    assert snapshot([dated[2]], "articles", market(), DAY).files == ()


def test_a_snapshot_that_is_not_marked_ready_is_passed_over_where_others_are():
    old, new = (f"users/market=SE/date={day}" for day in ("2021-06-01", "2021-06-09"))
    files = [Key(f"{old}/a.csv"), Key(f"{old}/_SUCCESS"), Key(f"{new}/a.csv")]
    found = snapshot(files, "users", marked(), DAY)
    assert (found.day, found.unready) == (date(2021, 6, 1), LAST)
    assert found.remark == "snapshot of 2021-06-01: that of 2021-06-09 is not marked ready"
    assert snapshot([*files, Key(f"{new}/_SUCCESS")], "users", marked(), DAY).day == LAST
    assert snapshot([files[0], files[2]], "users", marked(), DAY).day == LAST, "this room has no markers"
    assert snapshot(files, "users", market(), DAY).day == LAST, "this market has none"


def test_days_past_their_retention_are_named():
    days = [DAY - timedelta(days=n) for n in (1, 30, 31, 90)]
    assert expired(days, market(retention_days=30), DAY) == (days[3], days[2])
    assert expired(days, market(), DAY) == ()
