"""A small JSON object that is moved from one value to the next, never past another mover."""

import json
from dataclasses import dataclass
from typing import Any

from hm_pipeline.errors import ConflictError, DamagedError, NotThereError
from hm_pipeline.storage.location import Storage


@dataclass(frozen=True)
class Pointer:
    """What a pointer said when it was looked at."""

    key: str
    value: dict[str, Any] | None = None  # None: it was never set
    version: str | None = None


def look(storage: Storage, key: str) -> Pointer:
    """The pointer as it is now; DamagedError where something else lies there."""
    try:
        data, version = storage.read_versioned(key)
    except NotThereError:
        return Pointer(key)
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DamagedError(f"{storage.uri}/{key}: this is no JSON object; delete it and run again")
    return Pointer(key, value, version)


def move(storage: Storage, seen: Pointer, value: dict[str, Any]) -> None:
    """Set it to `value` if it still says what was seen; ConflictError if somebody moved it since."""
    data = json.dumps(value, indent=2, sort_keys=True, allow_nan=False).encode()
    if not storage.replace(seen.key, data, seen.version):
        raise ConflictError(f"{storage.uri}/{seen.key}: moved by another run since it was read; run again")
