"""A place for bytes under keys: a folder or a bucket behind one seam."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hm_pipeline.errors import StorageError


@dataclass(frozen=True)
class Entry:
    """One stored file, as a listing shows it."""

    key: str  # below the root, "/" between its parts
    size: int  # bytes
    version: str  # changes when the content does: a bucket's etag, a folder's "mtime_ns-size"


class Storage(Protocol):
    """Bytes under keys below one root.

    Keys are relative, "/" between their parts; see `checked`. Each write is atomic: a reader sees the
    old content or the new, never a part. All methods raise StorageError where the place itself fails.
    """

    @property
    def uri(self) -> str:
        """The root: an absolute path or `s3://bucket/prefix`."""
        ...

    def keys(self, prefix: str = "") -> list[Entry]:
        """Every file below the folder `prefix`, at any depth, sorted by key; empty where nothing is."""
        ...

    def read(self, key: str) -> bytes:
        """The content; NotThereError where nothing lies."""
        ...

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        """The content and the version that `replace` wants to see again; NotThereError."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Put this there, whatever was there before."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Put this there if nothing is; False where somebody was first."""
        ...

    def replace(self, key: str, data: bytes, version: str | None) -> bool:
        """Put this there if the content is still of that version (None: still nothing); else False."""
        ...

    def delete(self, key: str) -> None:
        """Nothing lies there afterwards, whether or not something did."""
        ...

    def upload(self, file: Path, key: str) -> None:
        """`write` for a local file of any size."""
        ...

    def fetch(self, key: str, to: Path) -> Path:
        """A local file with the content: a folder's own, or a bucket's download at `to`; NotThereError."""
        ...


def checked(key: str) -> str:
    """The key itself, if it means the same on a folder and in a bucket; StorageError if not.

    No part may be empty or begin with a dot: `..` would leave the root, and hidden names are the
    storage's own (locks, files half written).
    """
    parts = key.split("/")
    if any(not part or part.startswith(".") for part in parts) or "\\" in key or not key.isprintable():
        raise StorageError(
            f"{key!r} is no key: use names separated by '/', none of them empty, hidden or '..', "
            "without a leading '/', a backslash or control characters"
        )
    return key


def is_hidden(key: str) -> bool:
    """Whether a listing leaves it out: temporary files, locks, folder markers."""
    return any(not part or part.startswith(".") for part in key.split("/"))
