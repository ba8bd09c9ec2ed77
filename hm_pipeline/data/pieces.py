"""Pieces of a log: sorted by user and time, and for each user one piece after the other in time.

A piece holds whole local days, and all of them unless they are so many rows that they are cut by users.
In memory it is a frame, on disk a file.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl

PIECE_SCHEMA = pl.Schema(
    [
        ("user", pl.UInt32),  # code: a row of users.parquet
        ("item", pl.UInt32),  # code: a row of items.parquet
        ("timestamp", pl.Datetime("us", "UTC")),
        ("day", pl.Date),  # the local day in the market's zone
        ("event", pl.UInt8),  # place in the log's `events`
        ("order", pl.Int64),  # ties of the timestamp; null where the market has no order column
        ("price", pl.Float64),  # null where unknown
    ]
)
SORTED_BY = ("user", "timestamp", "order")  # a null order last
PIECE_ROWS = 2_000_000  # whole days are put together up to so many
MOST_ROWS = 8_000_000  # from here on they are cut by users
Piece = pl.DataFrame | Path


def file_name(number: int) -> str:
    """Where the piece of a number lies in its folder."""
    return f"part-{number:05}.parquet"


def put(frame: pl.DataFrame, place: Path | None, number: int) -> Piece:
    """A piece as it is, or in a file of `place`."""
    assert frame.schema == PIECE_SCHEMA, frame.schema
    if place is None:
        return frame
    frame.write_parquet(place / file_name(number))
    return place / file_name(number)


def moved(piece: Piece, place: Path, number: int) -> None:
    """See to it that a piece lies in `place`."""
    if isinstance(piece, pl.DataFrame):
        put(piece, place, number)
    elif piece != place / file_name(number):
        shutil.copyfile(piece, place / file_name(number))


def read(piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of a piece."""
    if isinstance(piece, pl.DataFrame):
        return piece.select(columns)
    return pl.read_parquet(piece, columns=list(columns), glob=False, hive_partitioning=False)


def rows(piece: Piece) -> int:
    """How many rows a piece has."""
    if isinstance(piece, pl.DataFrame):
        return len(piece)
    return int(pl.scan_parquet(piece, glob=False).select(pl.len()).collect().item())
