"""One long array that is written from its beginning to its end: in memory, or in a file where it is large."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hm_pipeline.data.arrays import Int32, Int64

_CHUNK = 4_000_000  # numbers at a time


class Growing:
    """At most `most` int32 numbers, appended; `done` hands out all of them."""

    def __init__(self, most: int, file: Path | None) -> None:
        self._file, self._size = file, 0
        self._memory = np.empty(0 if file else most, np.int32)
        if file:
            file.write_bytes(b"")

    def add(self, numbers: Int32) -> None:
        """Put these behind the others."""
        if self._file is None:
            self._memory[self._size : self._size + len(numbers)] = numbers
        else:
            with self._file.open("ab") as end:
                numbers.tofile(end)
        self._size += len(numbers)

    def done(self) -> Int32:
        """(size,) not to be written to where it lies in a file."""
        if self._file is None or not self._size:
            return self._memory[: self._size]
        return np.memmap(self._file, np.int32, "r")


def unknown(items: Int32, table: Int32) -> Int64:
    """The positions of items that `table` makes 0."""
    found = [start + np.flatnonzero(table[some] == 0) for start, some in _chunks(items)]
    return np.concatenate([np.empty(0, np.int64), *found])


def translated(items: Int32, table: Int32, size: int, file: Path | None) -> Int32:
    """(size,) what `table` makes of the items, without its zeros; mapped where it goes to a file."""
    known = (codes[codes > 0] for codes in (table[some] for _, some in _chunks(items)))
    if file is not None:
        return _written(known, size, file)
    flat = Growing(size, None)
    for codes in known:
        flat.add(codes)
    return flat.done()


def _written(parts: Iterator[Int32], size: int, file: Path) -> Int32:
    with file.open("wb") as npy:
        head = {"descr": "<i4", "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(npy, head)
        for part in parts:
            part.tofile(npy)
    array: Int32 = np.load(file, mmap_mode="r" if size else None)
    return array


def _chunks(items: Int32) -> Iterator[tuple[int, Int32]]:
    for start in range(0, len(items), _CHUNK):
        yield start, items[start : start + _CHUNK]
