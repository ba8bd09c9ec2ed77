"""Taking a user out of what is kept; each returns how many rows went, and 0 means nothing was rewritten."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from hm_pipeline.data.log import NAMED_ROWS
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA, belongs_to, withholding
from hm_pipeline.data.vocabulary import Vocabulary


def salted_hash(user_id: str, salt: str) -> str:
    """What may be written down of an erased user: 32 hex digits that only the salt's owner can compare."""
    return hmac.new(salt.encode(), user_id.encode(), hashlib.sha256).hexdigest()[:32]


def forget_in_log(folder: Path, users: frozenset[str]) -> int:
    """Rewrite an InteractionLog's pieces without these users' rows, and put graves where their ids were."""
    if (folder / NAMED_ROWS).exists():
        return forget_in_table(folder / NAMED_ROWS, users)
    file = folder / "users.parquet"
    ids = pl.read_parquet(file)
    of_them = ids.select(pl.col("id").is_in(sorted(users)).fill_null(False)).to_series()
    if not of_them.any():
        return 0
    codes = of_them.arg_true()
    rows = 0
    for piece in sorted(folder.glob("part-*.parquet")):
        frame = pl.read_parquet(piece)
        rows += _rewrite(piece, frame, frame.filter(~pl.col("user").is_in(codes.implode())))
    with _replacing(file) as new:  # last: a rewrite that was killed finds them again
        ids.select(pl.when(~of_them).then("id").alias("id")).write_parquet(new)
    return rows


def forget_in_catalogue(folder: Path, users: frozenset[str]) -> int:
    """Rewrite a Catalogue's users.parquet without these users."""
    return forget_in_table(folder / "users.parquet", users)


def forget_in_quarantine(file: Path, users: frozenset[str]) -> int:
    """Rewrite a quarantine file without these users' rows; one that may name them keeps its reason."""
    if not users:
        return 0
    frame = pl.read_parquet(file)
    assert frame.schema == QUARANTINE_SCHEMA, frame.schema
    others = frame.filter(~belongs_to(users, frame["user_id"]))
    after = others.with_columns(row=withholding(users))
    touched = len(frame) - len(others) + int((after["row"] != others["row"]).sum())
    if touched:
        with _replacing(file) as new:
            after.write_parquet(new)
    return touched


def forget_in_table(file: Path, users: frozenset[str], column: str = "user_id") -> int:
    """Rewrite any parquet table with a user column (lists, logs) without these users' rows."""
    if not users:
        return 0
    frame = pl.read_parquet(file)
    return _rewrite(file, frame, frame.filter(~pl.col(column).is_in(sorted(users)).fill_null(False)))


def forget_in_samples(folder: Path, users: frozenset[str]) -> int:
    """Put graves into a Samples folder's users.parquet: the arrays keep their places, nobody is found."""
    file = folder / "users.parquet"
    known = Vocabulary.load(file)
    left = known.without(users)
    gone = left.ids.null_count() - known.ids.null_count()
    if gone:
        with _replacing(file) as new:
            left.save(new)
    return gone


def _rewrite(file: Path, before: pl.DataFrame, after: pl.DataFrame) -> int:
    if len(after) < len(before):
        with _replacing(file) as new:
            after.write_parquet(new)
    return len(before) - len(after)


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """A hidden neighbour that takes the file's place once it is whole."""
    new = file.with_name(f".{file.name}.new")
    yield new
    new.replace(file)
