"""Looking for a text in every byte and every table below a folder."""

import gzip
from pathlib import Path

import polars as pl


def files_with(text: str, folder: Path) -> list[str]:
    """The files that hold the text: in their bytes, or in a text column of a parquet file."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(str(file.relative_to(folder)) for file in files if _holds(file, text))


def _holds(file: Path, text: str) -> bool:
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    return text.encode() in content or (content[:4] == b"PAR1" and _in_table(file, text))


def _in_table(file: Path, text: str) -> bool:
    frame = pl.read_parquet(file).select(pl.col(pl.String))
    return any(column.str.contains(text, literal=True).any() for column in frame)
