"""Rows that were rejected: why, from which file, and what they held."""

import json
from collections.abc import Mapping

import polars as pl

from hm_pipeline.data.read_text import BROKEN, RAW
from hm_pipeline.errors import QuarantineError

QUARANTINE_SCHEMA = pl.Schema(
    {
        "reason": pl.String,
        "file": pl.String,  # date=…/name
        "user_id": pl.String,  # as the source has it, for erasing; null where it cannot be told
        "row": pl.String,  # the columns read, as JSON; the line itself where it could not be taken apart
    }
)
_YEARS = 1_970 * 365 * 86_400  # on both sides of 1970, in seconds
_A_CALENDAR = {"d": _YEARS // 86_400, "ms": _YEARS * 10**3, "us": _YEARS * 10**6, "ns": 2**63 - 1}
_SHOWN = 2_000  # characters of a row that are kept
WITHHELD = "[withheld: it may name somebody who asked to be forgotten]"  # instead of a row


def quarantined(
    raw: pl.DataFrame, reasons: pl.Series, users: pl.Series, file: str, erased: frozenset[str]
) -> pl.DataFrame:
    """The rejected rows of one file (those with a reason), WITHHELD where they may name somebody `erased`.

    A row that could not be taken apart, or has no user id, is nobody's: its columns may have slipped.
    """
    wrong = reasons.is_not_null()
    rows, names = raw.filter(wrong), [name for name in raw.columns if name not in (BROKEN, RAW)]
    content = pl.struct(_shown(name, raw.schema[name]) for name in names).struct.json_encode()
    why, theirs = reasons.filter(wrong), users.filter(wrong)
    nobodys = rows[BROKEN].is_not_null() | (why == "no_user_id")
    told = rows.select(
        reason=why,
        file=pl.lit(file),
        user_id=pl.when(~nobodys).then(theirs),
        row=pl.coalesce(RAW, content).str.slice(0, _SHOWN),
    )
    return told.cast(QUARANTINE_SCHEMA).with_columns(row=withholding(erased))


def _shown(name: str, kind: pl.DataType) -> pl.Expr:
    """A cell as text; an instant that no calendar has (printing it would panic) as its number."""
    if not kind.is_temporal():
        return pl.col(name).cast(pl.String, strict=False)
    number = pl.col(name).to_physical().cast(pl.Int64)
    printable = pl.when(number.abs() <= _A_CALENDAR[getattr(kind, "time_unit", "d")]).then(pl.col(name))
    return pl.coalesce(printable.cast(pl.String), number.cast(pl.String)).alias(name)


def withholding(erased: frozenset[str]) -> pl.Expr:
    """`row` (QUARANTINE_SCHEMA); WITHHELD where an erased id is a cell of it, or any part of nobody's row.

    A stray quote swallows whole lines: a row with a line break may hold several people's.
    """
    if not erased:
        return pl.col("row")
    written = sorted({*erased, *(json.dumps(user, ensure_ascii=False)[1:-1] for user in erased)})
    row, cells = pl.col("row"), [f'"{user}"' for user in written]
    nobodys = pl.col("user_id").is_null() | row.str.contains_any(["\\n", "\\r"])
    names_one = row.str.contains_any(cells) | (nobodys & row.str.contains_any(written))
    return pl.when(names_one).then(pl.lit(WITHHELD)).otherwise(row).alias("row")


def belongs_to(erased: frozenset[str], users: pl.Series) -> pl.Series:
    """Which rows are an erased user's."""
    return users.is_in(pl.Series(sorted(erased), dtype=pl.String).implode()).fill_null(False)


def require_share(what: str, quarantine: pl.DataFrame, counts: Mapping[str, int], most: float) -> None:
    """Raise QuarantineError, with counts by reason and an example of each, above the tolerated share."""
    rejected, judged = len(quarantine), len(quarantine) + counts["accepted"]
    if rejected <= most * judged:
        return
    by_reason = quarantine.group_by("reason").agg(
        pl.len(), pl.col("file", "row").sort_by("file", "row").first()
    )
    lines = [
        f"  {count:>9,}  {name}, e.g. {file}: {row[:120]}"
        for name, count, file, row in by_reason.sort("len", "reason", descending=[True, False]).iter_rows()
    ]
    raise QuarantineError(
        f"{what}: {rejected:,} of {judged:,} rows rejected ({rejected / judged:.1%}, tolerated {most:.1%}):\n"
        + "\n".join(lines)
        + "\nRepair the source, or raise contract.max_rejected_share if these rows may be lost"
    )
