"""csv and jsonl bytes to frames of text. What is no UTF-8 becomes U+FFFD, which the contract rejects."""

import io
import json
import re
from collections.abc import Sequence

import polars as pl

BROKEN = "\x00broken"  # column: why a line could not be taken apart, null where it could
RAW = "\x00raw"  # column: the text of such a line, where its fields do not show it
_SURPLUS = [f"\x00surplus {number}" for number in range(4)]  # fields beyond the header
_LINE = "\x00line"
_UNSEEN = "\x1f"  # a control character that JSON forbids inside a line: splits nothing that is valid
_LOOKED_AT = 1_000  # lines whose keys are collected for the message about a missing column


def read_csv(content: bytes, separator: str) -> tuple[list[str], pl.DataFrame]:
    """The header, and every row as text; a row with more fields than the header is marked in BROKEN."""
    content = content.lstrip(b"\r\n")  # the header is the first line that is there
    text = {"separator": separator, "infer_schema": False, "encoding": "utf8-lossy"}
    header = pl.read_csv(io.BytesIO(content), n_rows=0, truncate_ragged_lines=True, **text).columns  # type: ignore[arg-type]
    rows = pl.read_csv(
        io.BytesIO(content),
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys([*header, *_SURPLUS], pl.String),
        missing_columns="insert",
        truncate_ragged_lines=True,
        raise_if_empty=False,
        **text,  # type: ignore[arg-type]
    )
    surplus = pl.any_horizontal(pl.col(name).is_not_null() for name in _SURPLUS)
    too_many = pl.when(surplus).then(pl.lit("too_many_fields"))
    return header, rows.select(*header, too_many.alias(BROKEN), pl.lit(None, pl.String).alias(RAW))


def is_cut(content: bytes, separator: str, fields: int) -> bool:
    """Whether the last line has no end and too few fields: it was cut while being written."""
    last = content[content.rfind(b"\n") + 1 :]
    return bool(last) and b'"' not in last and last.count(separator.encode()) < fields - 1


def read_jsonl(content: bytes, wanted: list[str], ids: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """Every non-empty line as text columns, and the keys seen in the first lines.

    A line that is no JSON object is broken, and so is one with an unquoted fraction or a number beyond
    64 bits where an id belongs: it would be read as another id.
    """
    lines = _lines(content)
    rows = lines.with_columns(
        pl.col(_LINE).str.json_path_match(f"$[{json.dumps(name)}]").alias(name) for name in wanted
    )
    broken = (
        pl.when(_no_objects(rows, wanted))
        .then(pl.lit("not_json"))
        .when(pl.any_horizontal(pl.lit(False), *(_inexact(name) for name in ids)))
        .then(pl.lit("inexact_id"))
    )
    rows = rows.with_columns(broken.alias(BROKEN)).with_columns(
        pl.when(pl.col(BROKEN).is_not_null()).then(_LINE).alias(RAW)
    )
    return rows.select(*wanted, BROKEN, RAW), _keys(lines)


def _inexact(name: str) -> pl.Expr:
    key = re.escape(json.dumps(name))
    return pl.col(_LINE).str.contains(rf"{key}\s*:\s*-?(\d{{20,}}|\d+\.|\d+[eE])")


def _no_objects(rows: pl.DataFrame, wanted: list[str]) -> pl.Series:
    """Whether each line is no JSON object; only lines without any wanted value are looked at closely."""
    doubtful = rows.select(pl.all_horizontal(pl.col(name).is_null() for name in wanted)).to_series()
    suspects = rows[_LINE].filter(doubtful).unique()
    wrong = suspects.filter(pl.Series([_object(line) is None for line in suspects], dtype=pl.Boolean))
    return doubtful & rows[_LINE].is_in(wrong.implode())


def _lines(content: bytes) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(content),
        has_header=False,
        separator=_UNSEEN,
        quote_char=None,
        schema={_LINE: pl.String},
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
        raise_if_empty=False,
    ).filter(pl.col(_LINE).str.strip_chars() != "")


def _object(line: str) -> dict[str, object] | None:
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _keys(lines: pl.DataFrame) -> list[str]:
    objects = (_object(line) for line in lines[_LINE].head(_LOOKED_AT))
    return [*dict.fromkeys(key for parsed in objects if parsed for key in parsed)]
