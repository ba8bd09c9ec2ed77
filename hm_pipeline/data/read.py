"""One raw file to a frame of the columns asked for; whatever is wrong with it has our name and the file's.

csv and jsonl come as text throughout: an id is never read as a number, so leading zeros live.
"""

import difflib
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from hm_pipeline.data.read_text import BROKEN, RAW, is_cut, read_csv, read_jsonl
from hm_pipeline.errors import ColumnError, HmPipelineError, UnreadableFileError

CHUNK_ROWS = 2_000_000  # of a large parquet file that are in memory at once
_LARGE = 32 * 2**20  # bytes from which on a parquet file counts as large


@contextmanager
def named(file: Path) -> Iterator[None]:
    """Whatever a reading library throws becomes an UnreadableFileError with the file's name."""
    try:
        yield
    except (HmPipelineError, AssertionError):  # ours, not the file's
        raise
    except MemoryError as error:
        raise UnreadableFileError(
            f"{file}: does not fit in memory; deliver smaller files, or parquet, which is read in parts"
        ) from error
    except (Exception, pl.exceptions.PanicException) as error:
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableFileError(
            f"{file}: cannot be read to its end: {detail}. Deliver the file again; it may be truncated, "
            "damaged, or not what its ending says"
        ) from error


def read_file(
    file: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    ids: Sequence[str] = (),
    separator: str = ",",
) -> pl.DataFrame:
    """The rows of a file, columns as the source names them, with BROKEN and RAW.

    Raises UnreadableFileError for an empty, truncated or damaged file, ColumnError for a missing or
    renamed column. Only a jsonl file may leave out an `optional` column: it reads as nulls.
    """
    wanted = [*dict.fromkeys([*required, *optional])]
    with named(file):
        if file.stat().st_size == 0:
            raise UnreadableFileError(f"{file}: the file is empty (0 bytes); deliver it again")
        name = file.name.removesuffix(".gz")
        if file.name.endswith(".parquet"):
            return _parquet(file, wanted)
        if name.endswith(".csv"):
            return _csv(file, wanted, separator)
        if name.endswith(".jsonl"):
            return _jsonl(file, wanted, required, ids)
        raise UnreadableFileError(f"{file}: nobody reads this ending; known are parquet, csv, jsonl")


def chunks(
    file: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    ids: Sequence[str] = (),
    separator: str = ",",
) -> Iterator[pl.DataFrame]:
    """`read_file`, a large parquet file in parts of CHUNK_ROWS; csv and jsonl come whole."""
    if not file.name.endswith(".parquet") or file.stat().st_size <= _LARGE:
        yield read_file(file, required, optional, ids=ids, separator=separator)
        return
    with named(file):
        wanted = [*dict.fromkeys([*required, *optional])]
        size = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
        for start in range(0, max(size, 1), CHUNK_ROWS):
            yield _parquet(file, wanted, start)


def _parquet(file: Path, wanted: list[str], start: int | None = None) -> pl.DataFrame:
    require_columns(file, wanted, pl.read_parquet_schema(file))
    if start is None:
        frame = pl.read_parquet(file, columns=wanted, glob=False, hive_partitioning=False)
    else:
        rows = pl.scan_parquet(file, glob=False, hive_partitioning=False).select(wanted)
        frame = rows.slice(start, CHUNK_ROWS).collect()
    return frame.with_columns(pl.lit(None, pl.String).alias(BROKEN), pl.lit(None, pl.String).alias(RAW))


def _csv(file: Path, wanted: list[str], separator: str) -> pl.DataFrame:
    content = _bytes(file)
    header, rows = read_csv(content, separator)
    require_columns(file, wanted, header)
    if is_cut(content, separator, len(header)):
        raise _truncated(file, content)
    return rows.select(*wanted, BROKEN, RAW)


def _jsonl(file: Path, wanted: list[str], required: Sequence[str], ids: Sequence[str]) -> pl.DataFrame:
    content = _bytes(file)
    rows, keys = read_jsonl(content, wanted, ids)
    if len(rows) and rows[BROKEN][-1] == "not_json" and not content.endswith(b"\n"):
        raise _truncated(file, content)
    absent = [name for name in wanted if name not in keys and rows[name].null_count() == len(rows)]
    renamed = [name for name in absent if name in required or _nearest(name, keys)]
    if len(rows) and keys:
        require_columns(file, renamed, keys)
    return rows


def _bytes(file: Path) -> bytes:
    """The content, unpacked."""
    if not file.name.endswith(".gz"):
        return file.read_bytes()
    try:
        content = gzip.decompress(file.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableFileError(f"{file}: truncated or damaged gzip ({error}); deliver it again") from None
    if not content:
        raise UnreadableFileError(f"{file}: the file is empty (0 bytes unpacked); deliver it again")
    return content


def _truncated(file: Path, content: bytes) -> UnreadableFileError:
    return UnreadableFileError(
        f"{file}: truncated: its last line ends in the middle, at byte {len(content)}; deliver it again"
    )


def require_columns(file: Path, wanted: Iterable[str], there: Iterable[str]) -> None:
    """Raise a ColumnError for the first column that is not there, with the nearest name that is."""
    found = list(there)
    for name in wanted:
        if name in found and f"{name}_duplicated_0" not in found:
            continue
        if name in found:
            raise ColumnError(f"{file}: the column {name!r} stands twice in the header; which one counts?")
        near = _nearest(name, found)
        hint = f"did you mean {near!r}? " if near else ""
        raise ColumnError(
            f"{file}: no column {name!r} among {', '.join(map(repr, found[:20]))}; {hint}"
            "Deliver it, or map the market's column to the new name"
        )


def _nearest(name: str, found: Iterable[str]) -> str | None:
    """The most alike of the names, whatever its case and separators."""
    plain = {_plain(other): other for other in found}
    match = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return plain[match[0]] if match else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
