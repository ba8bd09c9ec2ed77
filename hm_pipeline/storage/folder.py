"""A folder of a local or shared disk as a storage."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hm_pipeline.errors import NotThereError, StorageError
from hm_pipeline.storage.disk import flush_folder, in_its_folder, link, remedy, remove_if_dead
from hm_pipeline.storage.location import Entry, checked, is_hidden

_NOTHING_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class Folder:
    """Keys are files below a root folder, which is made when the first is written.

    A file is written below `{root}/.parts`, flushed to the disk, then renamed or linked to its key; what
    killed writers left there goes with the next write. What overwrites or deletes holds an exclusive
    lock on `{root}/.lock` for the rename alone, so that `replace` compares and renames in one step:
    all writers must open the same root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    @property
    def uri(self) -> str:
        """The absolute path of the root."""
        return str(self.root)

    def keys(self, prefix: str = "") -> list[Entry]:
        """See Storage; links to folders are followed."""
        top = self._path(prefix) if prefix else self.root
        with self._told(prefix):
            return sorted(self._entries(top), key=lambda entry: entry.key)

    def read(self, key: str) -> bytes:
        """See Storage."""
        with self._told(key, reading=True):
            return self._path(key).read_bytes()

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        """See Storage; the version is a hash of the content: file times are too coarse."""
        data = self.read(key)
        return data, _hash(data)

    def write(self, key: str, data: bytes) -> None:
        """See Storage."""
        self._place(key, lambda file: file.write(data), self._overwrite)

    def create(self, key: str, data: bytes) -> bool:
        """See Storage; of many racers the file system lets one link through."""
        return self._place(key, lambda file: file.write(data), link)

    def replace(self, key: str, data: bytes, version: str | None) -> bool:
        """See Storage."""
        if version is None:
            return self.create(key, data)

        def if_unchanged(part: Path, target: Path) -> bool:
            with self._lock():
                if not target.is_file() or _hash(target.read_bytes()) != version:
                    return False
                part.replace(target)
                return True

        return self._place(key, lambda file: file.write(data), if_unchanged)

    def delete(self, key: str) -> None:
        """See Storage; folders left empty go too."""
        path = self._path(key)
        with self._told(key), suppress(*_NOTHING_THERE):
            if not path.is_file():
                return
            with self._lock():
                path.unlink()
            for parent in path.relative_to(self.root).parents[:-1]:
                with suppress(OSError):  # not empty
                    (self.root / parent).rmdir()

    def upload(self, file: Path, key: str) -> None:
        """See Storage."""

        def copy(into: BinaryIO) -> None:
            with file.open("rb") as source:
                shutil.copyfileobj(source, into, 1 << 20)

        self._place(key, copy, self._overwrite)

    def fetch(self, key: str, to: Path) -> Path:
        """The stored file itself: read it, never change it."""
        path = self._path(key)
        with self._told(key):
            if path.is_file():
                return path
        raise _nothing(self.root, key)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _entries(self, top: Path) -> Iterator[Entry]:
        for folder, _, names in os.walk(top, onerror=_raise_unless_gone, followlinks=True):
            for name in names:
                file = Path(folder, name)
                key = file.relative_to(self.root).as_posix()
                if not is_hidden(key):
                    with suppress(FileNotFoundError):  # deleted since it was listed
                        stat = file.stat()
                        yield Entry(key, stat.st_size, f"{stat.st_mtime_ns}-{stat.st_size}")

    def _place(
        self, key: str, fill: Callable[[BinaryIO], object], move: Callable[[Path, Path], bool]
    ) -> bool:
        """Write a hidden file, then let `move` bring it to its key; False: it declined."""
        target = self._path(key)
        with self._told(key), self._part() as (part, file):
            fill(file)
            file.flush()
            os.fsync(file.fileno())
            placed = in_its_folder(move, part, target)
            flush_folder(target.parent)
            return placed

    @contextmanager
    def _part(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file in `{root}/.parts`, locked while it is written: an unlocked one is a dead writer's."""
        parts = self.root / ".parts"
        parts.mkdir(parents=True, exist_ok=True)
        with self._lock():
            for part in parts.iterdir():
                remove_if_dead(part)
            part = parts / uuid4().hex
            file = part.open("xb")
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            with file:
                yield part, file
        finally:
            part.unlink(missing_ok=True)

    def _overwrite(self, part: Path, target: Path) -> bool:
        with self._lock():
            part.replace(target)
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.root / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file unlocks it, and so does death

    @contextmanager
    def _told(self, key: str, *, reading: bool = False) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if reading and isinstance(error, _NOTHING_THERE):
                raise _nothing(self.root, key) from None
            where = f" ({error.filename})" if error.filename else ""
            raise StorageError(
                f"{self.root / key}: {error.strerror or error}{where}; {remedy(error)}"
            ) from None


def _nothing(root: Path, key: str) -> NotThereError:
    return NotThereError(f"{root / key}: no such file; check the root and the key, or write it first")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, _NOTHING_THERE):
        raise error
