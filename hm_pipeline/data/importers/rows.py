"""The rows of a raw file of any size, a bounded number at a time: every column it has, and BROKEN.

parquet comes in batches, csv and jsonl in blocks of whole lines, text throughout as in `data/read.py`. Of
jsonl the columns are the keys of its first lines and those asked for.
"""

import gzip
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.layout import batches
from hm_pipeline.data.raw import ENDINGS
from hm_pipeline.data.read import named
from hm_pipeline.data.read_text import BROKEN, RAW, is_cut, read_csv, read_jsonl
from hm_pipeline.errors import UnreadableFileError

BLOCK = 1 << 26  # bytes of text in memory at a time, unpacked


def rows(file: Path, asked: Sequence[str], ids: Sequence[str], separator: str) -> Iterator[pl.DataFrame]:
    """At least one frame, the same columns in each; BROKEN says why a line could not be taken apart.

    `ids` are the columns in which jsonl must not hold a fraction. Raises UnreadableFileError for an
    empty, truncated or damaged file.
    """
    with named(file):
        if file.stat().st_size == 0:
            raise UnreadableFileError(f"{file}: the file is empty (0 bytes)")
        name = file.name.removesuffix(".gz")
        if file.name.endswith(".parquet"):
            yield from _parquet(file)
        elif name.endswith(".csv"):
            yield from _csv(file, separator)
        elif name.endswith(".jsonl"):
            yield from _jsonl(file, asked, ids)
        else:
            raise UnreadableFileError(f"{file}: nobody reads this ending; known are {', '.join(ENDINGS)}")


def _parquet(file: Path) -> Iterator[pl.DataFrame]:
    nothing = pl.DataFrame(schema=pl.read_parquet_schema(file))
    source = pl.scan_parquet(file, glob=False, hive_partitioning=False)
    for batch in chain([nothing], batches(source)):
        yield batch.with_columns(pl.lit(None, pl.String).alias(BROKEN))


def _csv(file: Path, separator: str) -> Iterator[pl.DataFrame]:
    head = b""  # later blocks have none of their own
    for block in _blocks(file, quotes=True):
        header, frame = read_csv(head + block, separator)
        if is_cut(block, separator, len(header)):
            raise _truncated(file)
        head = head or _header(header, separator)
        yield frame.drop(RAW)


def _header(names: Sequence[str], separator: str) -> bytes:
    quoted = ('"' + name.replace('"', '""') + '"' for name in names)
    return (separator.join(quoted) + "\n").encode()


def _jsonl(file: Path, asked: Sequence[str], ids: Sequence[str]) -> Iterator[pl.DataFrame]:
    columns: list[str] = []
    for block in _blocks(file, quotes=False):
        columns = columns or _columns(block, asked, ids)
        frame, _ = read_jsonl(block, columns, ids)
        if len(frame) and frame[BROKEN][-1] == "not_json" and not block.endswith(b"\n"):
            raise _truncated(file)
        yield frame.drop(RAW)


def _columns(block: bytes, asked: Sequence[str], ids: Sequence[str]) -> list[str]:
    """What the file has; where not one line could be read, what is asked for, so that each is counted."""
    frame, keys = read_jsonl(block, list(asked), ids)
    filled = [name for name in asked if frame[name].null_count() < len(frame)]
    return [*dict.fromkeys([*keys, *filled])] or list(asked)


def _blocks(file: Path, quotes: bool) -> Iterator[bytes]:
    """Whole lines, about BLOCK bytes of them; with `quotes`, a line break between two quotes ends none."""
    lines: list[bytes] = []
    size, inside = 0, False
    with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as opened:
        for line in opened:
            lines.append(line)
            size += len(line)
            inside ^= quotes and line.count(b'"') % 2 == 1
            if size >= BLOCK and not inside:
                yield b"".join(lines)
                lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _truncated(file: Path) -> UnreadableFileError:
    return UnreadableFileError(f"{file}: truncated: its last line ends in the middle; get the file again")
