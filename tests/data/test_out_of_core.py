"""How much fits into memory, how many threads there are and how days are cut change nothing of what comes out."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from raw_files import DAY, LAST, csv, good, market, row, write

from hm_pipeline.data import pieces, pile, read
from hm_pipeline.data.build import build
from hm_pipeline.data.days import partitions_of
from hm_pipeline.data.extract import Extracted, examine, extract
from hm_pipeline.data.log import LOG_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.market import InteractionColumns, MarketConfig
from hm_pipeline.data.partition import Partition
from hm_pipeline.data.room import Room
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.sequences import sequences

Files = dict[date, list[Path]]
ZONE = ZoneInfo("Europe/Stockholm")


def a_shop(folder: Path, rows: int = 3_000, zone: str = "Europe/Stockholm") -> Files:
    """Ten local days of views and purchases by 60 users, tied stamps, repeated rows, a bot and bad rows among them."""
    draw = np.random.default_rng(7)
    start = datetime.combine(DAY - timedelta(days=10), datetime.min.time(), ZONE)
    seconds = np.sort(draw.integers(0, 10 * 86_400 // 600, rows)) * 600
    drawn = [
        row(
            f"u{draw.integers(60) ** 2 // 60:02}",
            f"i{draw.integers(25):02}",
            (start + timedelta(seconds=int(s))).astimezone(UTC).isoformat(),
            draw.choice(["view", "view", "view", "purchase", "logo"]),
            str(draw.integers(1, 9) / 2),
        )
        for s in seconds
    ]
    last = datetime.combine(LAST, datetime.min.time(), ZONE)  # whose bot is one by the whole day alone
    bot = [
        row("bot", f"i{n % 25:02}", (last + timedelta(minutes=18 * n)).astimezone(UTC).isoformat())
        for n in range(80)
    ]
    bad = [row(user=""), row(price="-1"), row("u01", "i\t1")]
    files: Files = {}
    for day in partitions_of(market(partition_zone=zone), DAY - timedelta(days=10), LAST):
        mine = [r for r in [*drawn, *drawn[::50], *bot, *bad] if _day(r, zone) == day]
        half = len(mine) // 2
        files[day] = [
            write(folder / f"date={day}", f"{n}.csv", csv(part))
            for n, part in enumerate((mine[:half], mine[half:]))
        ]
    return files


def _day(r: dict[str, str | None], zone: str) -> date:
    return (
        datetime.fromisoformat(str(r["timestamp"]).replace("Z", "+00:00")).astimezone(ZoneInfo(zone)).date()
    )


def a_market(**changes: object) -> MarketConfig:
    contract = market().contract.model_copy(update={"max_events_per_user_day": 60})
    return market(contract=contract, **changes)


def found(files: Files, **how: object) -> Extracted:
    return examine(files, a_market(), DAY, **how)  # type: ignore[arg-type]


def same(one: Extracted, other: Extracted) -> bool:
    return (
        one.log.frame.equals(other.log.frame)
        and one.quarantine.equals(other.quarantine)
        and one.counts == other.counts
    )


def digest(log: InteractionLog, protocol: str = "next_day", **how: object) -> str:
    return build(log, Catalogue.empty(), SampleConfig(), protocol, LAST, **how).digest  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# ---- extract ----


def test_the_shop_has_all_that_can_go_wrong(tmp_path: Path) -> None:
    counts = found(a_shop(tmp_path)).counts
    assert counts["accepted"] > 2_000
    assert (
        min(counts[what] for what in ("bot", "duplicate", "no_user_id", "negative_price", "other_event")) > 0
    )


def test_rows_that_wait_on_disk_make_the_same_files_as_rows_that_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = a_shop(tmp_path / "raw")
    kept = found(files, place=tmp_path / "kept")
    spilled = found(files, place=tmp_path / "spilled", memory_mb=0)
    assert same(kept, spilled)
    assert same(kept, found(files))
    assert contents(tmp_path / "kept") == contents(tmp_path / "spilled")


def test_how_many_days_make_a_piece_changes_no_row_and_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = a_shop(tmp_path)
    whole = found(files)
    monkeypatch.setattr(pile, "PIECE_ROWS", 1)
    daily = found(files)
    assert (len(whole.log.stored), len(daily.log.stored)) == (1, 10)
    assert same(whole, daily)
    assert digest(whole.log) == digest(daily.log)


def test_a_day_of_more_rows_than_a_piece_may_have_is_cut_by_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = a_shop(tmp_path / "raw")
    whole = found(files)
    monkeypatch.setattr(pile, "PIECE_ROWS", 1)
    monkeypatch.setattr(pile, "MOST_ROWS", 100)
    cut = found(files, place=tmp_path / "log", memory_mb=0)
    sizes = [pieces.rows(piece) for piece in cut.log.stored]
    assert len(sizes) > 20
    assert max(sizes) < 250  # a user is never cut
    assert same(whole, cut)
    assert [digest(cut.log, protocol) for protocol in ("next_day", "refit")] == [
        digest(whole.log, protocol) for protocol in ("next_day", "refit")
    ]


def test_a_large_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "a.parquet", pl.DataFrame([*good(n=20), *good(n=3), row(price="-1")]))
    whole = examine({LAST: [file]}, market(), DAY)
    monkeypatch.setattr(read, "CHUNK_ROWS", 7)
    monkeypatch.setattr(read, "_LARGE", 0)
    parts = examine({LAST: [file]}, market(), DAY)
    assert parts.counts["duplicate"] == 3
    assert same(whole, parts)


def test_partitions_of_another_zone_are_held_until_the_local_day_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = found(a_shop(tmp_path / "local"))
    monkeypatch.setattr(pile, "PIECE_ROWS", 1)
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        files = a_shop(tmp_path / zone, zone=zone)
        there = examine(files, a_market(partition_zone=zone), DAY, place=tmp_path / zone / "log", memory_mb=0)
        assert there.log.frame.equals(local.log.frame), zone
        assert there.counts["bot"] == local.counts["bot"]


def test_the_order_in_which_days_are_named_changes_nothing(tmp_path: Path) -> None:
    files = a_shop(tmp_path)
    assert same(found(files), found(dict(reversed(files.items()))))


def test_days_without_a_row_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = a_shop(tmp_path)
    empty = sorted(files)[3]
    files[empty] = [write(tmp_path, "empty.csv", csv([]))]
    monkeypatch.setattr(pile, "PIECE_ROWS", 1)
    with_it, without_it = found(files), found({day: f for day, f in files.items() if day != empty})
    assert len(with_it.log.stored) == 9
    assert same(with_it, without_it)


def test_a_window_in_which_nothing_is_accepted_is_an_empty_log(tmp_path: Path) -> None:
    nothing = examine(
        {LAST: [write(tmp_path, "a.csv", csv([row(user="")]))]}, market(), DAY, place=tmp_path / "log"
    )
    assert (len(nothing.log), nothing.log.frame.schema) == (0, LOG_SCHEMA)
    nothing.log.save(tmp_path / "log")
    assert len(InteractionLog.load(tmp_path / "log")) == 0


def test_a_midnight_that_the_clock_shows_twice_does_not_tear_a_user_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In St John's the clock went from 00:01 back to 23:01 of the day before: its days were interleaved."""
    stamps = [f"2006-10-29T02:{minute}:30Z" for minute in ("15", "30", "32", "50")]  # 28th, 29th, 28th, 28th
    rows = [row("u", item, stamp) for item, stamp in zip("abca", stamps, strict=True)]
    rows += [row("u", "d", "2006-10-29T12:00:00Z")]
    newfoundland = market(timezone="America/St_Johns", window_days=3)
    by_day: Files = {}
    for n, r in enumerate(rows):
        day = _day(r, "America/St_Johns")
        by_day.setdefault(day, []).append(write(tmp_path, f"{n}.csv", csv([r])))
    monkeypatch.setattr(pile, "PIECE_ROWS", 1)
    log = examine(by_day, newfoundland, date(2006, 10, 30)).log
    assert log.frame.sort("timestamp")["day"].dt.day().to_list() == [28, 29, 28, 28, 29]
    samples = build(log, Catalogue.empty(), SampleConfig(), "refit")
    assert samples.items.decode(samples.train[0]).to_list() == list("abcad")


def test_only_doubtful_rows_are_looked_at_closely_and_no_other_one_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = a_shop(tmp_path)
    cheaply, looked_at = found(files), []
    labelled, are_good = Partition._labelled, Partition._are_good

    def all_doubtful(self: Partition, raw: pl.DataFrame, file: Path):  # type: ignore[no-untyped-def]
        rows, doubtful = labelled(self, raw, file)
        looked_at.append(int(doubtful.sum()))
        return rows, np.ones_like(doubtful)

    monkeypatch.setattr(Partition, "_labelled", all_doubtful)
    assert same(cheaply, found(files))
    assert are_good is Partition._are_good
    bad = cheaply.counts["rejected"] - cheaply.counts["bot"] - cheaply.counts["duplicate"]
    assert sum(looked_at) == bad + cheaply.counts["other_event"]


def test_rows_of_one_stamp_without_an_order_follow_those_that_have_one(tmp_path: Path) -> None:
    head = b"user_id,item_id,timestamp,event_type,n\n"
    lines = [
        f"u,{item},{LAST}T10:00:00Z,view,{n}\n".encode()
        for item, n in zip("abcd", ("3", "1", "", "2"), strict=True)
    ]
    ordered = market(interactions=InteractionColumns(order="n"))
    log = extract({LAST: [write(tmp_path, "a.csv", head + b"".join(lines))]}, ordered, DAY).log
    assert sequences(log, ("view",), 3).frame["item_id"].to_list() == list("bdac")


# ---- the stored log ----


def test_a_stored_log_gives_ids_back_and_keeps_no_id_of_a_rejected_row(tmp_path: Path) -> None:
    rows = [*good(), row("bad", "worse", price="-1")]
    log = extract({LAST: [write(tmp_path, "a.csv", csv(rows))]}, market(), DAY).log
    log.save(tmp_path / "log")
    loaded = InteractionLog.load(tmp_path / "log")
    assert loaded.frame.equals(log.frame)
    assert (loaded.users.to_list(), len(loaded.items)) == (["u0", "u1", "u2"], 6)
    assert loaded.of_user("u1")["item_id"].to_list() == ["i1", "i4"]
    assert loaded.of_user("nobody").is_empty()
    assert loaded.by_day() == {LAST: 6}


def test_a_log_of_an_earlier_release_is_still_read(tmp_path: Path) -> None:
    log = extract({LAST: [write(tmp_path, "a.csv", csv(good()))]}, market(), DAY).log
    log.frame.write_parquet(tmp_path / "interactions.parquet")
    (tmp_path / "log.json").write_text(
        f'{{"market": "SE", "first_day": "{log.first_day}", "last_day": "{LAST}"}}'
    )
    earlier = InteractionLog.load(tmp_path)
    assert earlier.frame.equals(log.frame)
    assert digest(earlier, "refit") == digest(log, "refit")


# ---- samples ----


@pytest.mark.parametrize("protocol", ["next_day", "refit", "leave_last_out", "thesis"])
def test_samples_made_of_some_users_at_a_time_are_the_same_samples(
    tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = found(a_shop(tmp_path / "raw")).log
    whole = digest(log, protocol)
    monkeypatch.setattr(Room, "rows", 100)
    spilled = build(log, Catalogue.empty(), SampleConfig(), protocol, LAST, place=tmp_path / "s", memory_mb=0)  # type: ignore[arg-type]
    assert isinstance(spilled.train.flat, np.memmap)
    spilled.save(tmp_path / "s")
    assert spilled.digest == whole
    assert Samples.load(tmp_path / "s").digest == whole
    assert not [file for file in (tmp_path / "s").iterdir() if file.name.startswith(".")]


@pytest.mark.parametrize("order", ["day", "random"])
def test_shuffled_histories_do_not_write_over_the_array_that_is_asked_about(
    tmp_path: Path, order: str
) -> None:
    log, config = found(a_shop(tmp_path / "raw")).log, SampleConfig(order=order)  # type: ignore[arg-type]
    whole = build(log, Catalogue.empty(), config, "next_day", LAST)
    spilled = build(log, Catalogue.empty(), config, "next_day", LAST, place=tmp_path / "s", memory_mb=0)
    spilled.save(tmp_path / "s")
    assert Samples.load(tmp_path / "s").digest == spilled.digest == whole.digest


def test_one_thread_and_several_write_the_same_bytes(tmp_path: Path) -> None:
    files = a_shop(tmp_path / "raw")
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[3:]; import test_out_of_core as t\n"
        "files = {t.date.fromisoformat(d.name[5:]): sorted(d.iterdir()) for d in Path(sys.argv[1]).iterdir()}\n"
        "log = t.found(files, place=Path(sys.argv[2])).log; log.save(Path(sys.argv[2]))\n"
        "t.build(log, t.Catalogue.empty(), t.SampleConfig(), 'next_day', t.LAST).save(Path(sys.argv[2]))\n"
    )
    for threads in ("1", "4"):
        place = str(tmp_path / threads)
        command = [sys.executable, "-c", script, str(tmp_path / "raw"), place, *_search_path()]
        subprocess.run(command, check=True, env={**os.environ, "POLARS_MAX_THREADS": threads})
    assert files
    assert contents(tmp_path / "1") == contents(tmp_path / "4")


def _search_path() -> list[str]:
    here = Path(__file__).parent
    return [str(here), str(here.parents[1])]
