"""The catalogue of bad input: what is wrong, and which count or error says so. Six good rows lie beside it."""

import gzip
from pathlib import Path

import polars as pl
import pytest
from raw_files import COLUMNS, DAY, LAST, csv, good, jsonl, market, row, write

from hm_pipeline.data.extract import Extracted, extract
from hm_pipeline.data.read import named
from hm_pipeline.errors import ColumnError, HmPipelineError, QuarantineError, UnreadableFileError

REASONS = {
    # what is wrong             -> (the row, its reason)
    "no user": (row(user=None), "no_user_id"),
    "blank user": (row(user="   "), "no_user_id"),
    "user called null": (row(user="NULL"), "no_user_id"),
    "no item": (row(item=None), "no_item_id"),
    "over-long user": (row(user="u" * 21), "long_user_id"),
    "over-long item": (row(item="i" * 21), "long_item_id"),
    "tab inside an id": (row(user="u\t1"), "control_character_in_user_id"),
    "no event": (row(event=None), "no_event_type"),
    "no timestamp": (row(timestamp=None), "bad_timestamp"),
    "timestamp in words": (row(timestamp="yesterday noon"), "bad_timestamp"),
    "thirteenth month": (row(timestamp="2021-13-09T10:00:00Z"), "bad_timestamp"),
    "the day before": (row(timestamp="2021-06-08T10:00:00Z"), "outside_its_day"),
    "the future": (row(timestamp="2031-06-09T10:00:00Z"), "in_the_future"),
    "first second of the run date": (row(timestamp="2021-06-09T22:00:00Z"), "in_the_future"),
    "negative price": (row(price="-1"), "negative_price"),
    "absurd price": (row(price="1e12"), "absurd_price"),
    "infinite price": (row(price="inf"), "absurd_price"),
    "price in words": (row(price="free"), "bad_price"),
    "replacement character": (row(item="gr\ufffdn"), "not_utf8"),
    "the same row again": (good()[0], "duplicate"),
}


def run(folder: Path, name: str, content: bytes | pl.DataFrame, **changes: object) -> Extracted:
    return extract({LAST: [write(folder, name, content)]}, market(**changes), DAY)


@pytest.mark.parametrize("kind", ["csv", "jsonl.gz", "parquet"])
@pytest.mark.parametrize("what", REASONS)
def test_a_bad_row_is_counted_under_its_reason(tmp_path, what, kind):
    bad, reason = REASONS[what]
    rows = [*good(), bad]
    content = {
        "csv": csv,
        "jsonl.gz": jsonl,
        "parquet": lambda r: pl.DataFrame(r, pl.Schema(dict.fromkeys(COLUMNS, pl.String))),
    }
    found = run(tmp_path, f"part.{kind}", content[kind](rows))
    assert found.counts.get(reason) == 1, found.counts
    assert found.counts["accepted"] == len(found.log.frame) == 6
    assert found.quarantine["reason"].to_list() == [reason]
    assert found.quarantine["file"].to_list() == [f"date={LAST}/part.{kind}"]
    assert found.quarantine["row"][0].startswith("{")


LINES = {
    # what is wrong        -> (file, the line, its reason)
    "fields too many, of which the first is empty": (
        "a.csv",
        b"u1,i1,2021-06-09T10:00:00Z,view,1,,oops\n",
        "too_many_fields",
    ),
    "one field too many": ("a.csv", b"u1,i1,2021-06-09T10:00:00Z,view,1,oops\n", "too_many_fields"),
    "bytes of latin-1": ("a.csv", "u1,gr\xf6n,2021-06-09T10:00:00Z,view,1\n".encode("latin-1"), "not_utf8"),
    "latin-1 in json": (
        "a.jsonl",
        '{"user_id":"\xf6","item_id":"i","timestamp":"2021-06-09","event_type":"view"}\n'.encode("latin-1"),
        "not_utf8",
    ),
    "half a json line": ("a.jsonl", b'{"user_id": "u1", "item\n', "not_json"),
    "a list, no object": ("a.jsonl", b"[1, 2]\n", "not_json"),
    "a fraction as an id": (
        "a.jsonl",
        b'{"user_id":12.0,"item_id":"i","timestamp":"2021-06-09","event_type":"view"}\n',
        "inexact_id",
    ),
    "an id beyond 64 bits": (
        "a.jsonl",
        b'{"user_id":"u","item_id":123456789012345678901,"timestamp":"2021-06-09","event_type":"view"}\n',
        "inexact_id",
    ),
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_that_cannot_be_taken_apart_is_kept_as_it_is(tmp_path, what):
    name, line, reason = LINES[what]
    found = run(tmp_path, name, (jsonl if "json" in name else csv)(good()) + line)
    assert found.counts.get(reason) == 1, found.counts
    assert found.counts["accepted"] == 6
    assert found.quarantine["row"][0]


def frame(**columns: pl.Series | list) -> pl.DataFrame:
    return pl.DataFrame(good()).with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def header(*names: str) -> bytes:
    return csv(good(), names)


FILES = {
    # what is wrong          -> (file, its content, the error, what the message says)
    "no bytes": ("a.csv", b"", UnreadableFileError, "empty"),
    "no bytes in a gzip": ("a.csv.gz", b"", UnreadableFileError, "empty"),
    "an empty parquet file": ("a.parquet", b"", UnreadableFileError, "empty"),
    "blank lines alone": ("a.csv", b"\n\n", UnreadableFileError, "empty"),
    "text called parquet": ("a.parquet", csv(good()), UnreadableFileError, "a.parquet"),
    "a csv cut in a line": ("a.csv", csv(good())[:-12], UnreadableFileError, "truncated"),
    "json lines cut in a line": ("a.jsonl", jsonl(good())[:-12], UnreadableFileError, "truncated"),
    "a quote that never ends": ("a.csv", csv(good()) + b'"u1,i1\n' * 9, UnreadableFileError, "a.csv"),
    "an ending nobody knows": ("a.orc", b"ORC", UnreadableFileError, "ending"),
    "a csv without header": ("a.csv", csv(good()).split(b"\n", 1)[1], ColumnError, "user_id"),
    "a column is missing": (
        "a.csv",
        header("user_id", "item_id", "when", "event_type", "price"),
        ColumnError,
        "'timestamp'",
    ),
    "a column is renamed": ("a.csv", header("userId", *COLUMNS[1:]), ColumnError, "did you mean 'userId'"),
    "a column stands twice": ("a.csv", header("user_id", "user_id", *COLUMNS[2:]), ColumnError, "twice"),
    "a renamed json key": (
        "a.jsonl",
        jsonl(good()).replace(b"item_id", b"itemid"),
        ColumnError,
        "did you mean 'itemid'",
    ),
    "a renamed optional key": (
        "a.jsonl",
        jsonl(good()).replace(b"price", b"prices"),
        ColumnError,
        "did you mean 'prices'",
    ),
    "a renamed parquet column": (
        "a.parquet",
        frame().rename({"price": "Price"}),
        ColumnError,
        "did you mean 'Price'",
    ),
    "ids as fractions": ("a.parquet", frame(user_id=[1.0, 2, 3, 4, 5, 6]), ColumnError, "Float64"),
    "ids as lists": ("a.parquet", frame(item_id=[["a"]] * 6), ColumnError, "List"),
    "ids as bytes": ("a.parquet", frame(item_id=[b"a"] * 6), ColumnError, "Binary"),
    "stamps as fractions": ("a.parquet", frame(timestamp=[1.5] * 6), ColumnError, "no timestamp"),
    "stamps as bare numbers": ("a.parquet", frame(timestamp=[1] * 6), ColumnError, "epoch"),
    "prices as booleans": ("a.parquet", frame(price=[True] * 6), ColumnError, "Boolean"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_bad_file_has_its_named_error(tmp_path, what):
    name, content, error, said = FILES[what]
    with pytest.raises(error) as raised:
        run(tmp_path, name, content)
    assert said in str(raised.value)
    assert name in str(raised.value)


@pytest.mark.parametrize("kind", ["csv.gz", "jsonl.gz", "parquet"])
def test_a_file_cut_or_damaged_anywhere_never_ends_in_a_librarys_error(tmp_path, kind):
    content = {
        "csv.gz": lambda r: gzip.compress(csv(r)),
        "jsonl.gz": lambda r: gzip.compress(jsonl(r)),
        "parquet": pl.DataFrame,
    }
    whole = (
        write(tmp_path, f"whole.{kind}", pl.DataFrame(good())).read_bytes()
        if kind == "parquet"
        else content[kind](good())
    )
    file = tmp_path / f"part.{kind}"
    refused = 0
    for cut in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        for damaged in (whole[:cut], whole[:cut] + bytes([whole[cut] ^ 0xFF]) + whole[cut + 1 :]):
            file.write_bytes(damaged)
            try:
                extract({LAST: [file]}, market(), DAY)
            except HmPipelineError:
                refused += 1
    assert refused > 60


def test_an_instant_that_no_calendar_has_is_quarantined_as_its_number(tmp_path):
    stamps = pl.Series(
        [0, 2**62, -(2**62), 2**63 - 1, 1623232800000000, None], dtype=pl.Datetime("us", "UTC")
    )
    found = run(tmp_path, "a.parquet", frame().with_columns(timestamp=stamps))
    assert found.counts["bad_timestamp"] == 4
    assert found.counts["outside_its_day"] == 1
    assert str(2**62) in "".join(found.quarantine["row"])


def test_a_fault_of_ours_is_not_told_as_a_damaged_file(tmp_path):
    with pytest.raises(AssertionError), named(tmp_path / "a.csv"):
        raise AssertionError
    with pytest.raises(UnreadableFileError, match="does not fit in memory"), named(tmp_path / "a.csv"):
        raise MemoryError


@pytest.mark.parametrize("names", [("GUEST",), ("guest",)])
def test_an_id_that_says_nothing_is_none_however_it_is_written(tmp_path, names):
    contract = market().contract.model_copy(update={"placeholder_ids": names})
    content = csv([*good(), row(user="Guest"), row(user="guest")])
    found = extract({LAST: [write(tmp_path, "a.csv", content)]}, market(contract=contract), DAY)
    assert found.quarantine["reason"].to_list() == ["no_user_id"] * 2


def test_above_the_tolerated_share_the_run_stops_and_shows_the_reasons(tmp_path):
    few = market().contract.model_copy(update={"max_rejected_share": 0.01})
    with pytest.raises(QuarantineError) as raised:
        run(tmp_path, "a.csv", csv([*good(), row(user=""), row(price="-3"), row(price="-4")]), contract=few)
    for said in ("3 of 9", "2  negative_price", "1  no_user_id", f"date={LAST}/a.csv", "max_rejected_share"):
        assert said in str(raised.value)


def test_a_csv_that_begins_with_empty_lines_has_its_header_below_them(tmp_path: Path):
    found = run(tmp_path, "a.csv", b"\n\r\n" + csv(good()))
    assert found.counts["accepted"] == found.counts["rows"] == 6
