"""Folders that appear whole or not at all: files first, a manifest last.

    {prefix}/attempt-3f…/items.parquet     files of one try, under a name nobody else uses
    {prefix}/attempt-3f…/model/weights     …
    {prefix}/manifest.json                 names that try; only one publisher can create it

Readers go through the manifest alone, so a try that died is never seen.
"""

import json
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from hm_pipeline.errors import ConflictError, DamagedError, NotThereError, StorageError
from hm_pipeline.frozen import Frozen
from hm_pipeline.storage.location import Storage, checked

MANIFEST = "manifest.json"


class FileRecord(Frozen):
    """One file of a published folder."""

    name: str  # below the folder, "/" between its parts
    size: int  # bytes
    sha256: str


class Manifest(Frozen):
    """What was published under a prefix: which try won, its files, and what its maker says of it."""

    prefix: str
    attempt: str
    files: tuple[FileRecord, ...]
    facts: dict[str, Any]  # JSON values

    @property
    def folder(self) -> str:
        """The key below which the files lie."""
        return f"{self.prefix}/{self.attempt}"


def find(storage: Storage, prefix: str) -> Manifest | None:
    """The manifest under a prefix, None where nothing was published; DamagedError if it is unreadable."""
    found = _find_versioned(storage, prefix)
    return found[0] if found else None


def publish(storage: Storage, prefix: str, folder: Path, facts: dict[str, Any]) -> Manifest:
    """Publish a local folder under a prefix; where somebody was first, theirs is returned and ours discarded.

    The winner removes what earlier, killed tries had left under the prefix.
    """
    if published := find(storage, prefix):
        return published
    leftovers = _attempt_keys(storage, prefix)  # listed before anyone may swap the manifest
    mine = _staged(storage, prefix, folder, facts)
    if storage.create(f"{prefix}/{MANIFEST}", _encoded(mine)):
        _restore(storage, mine, folder)
        _delete(storage, leftovers)
        return mine
    published = find(storage, prefix)
    if published != mine:  # equal where the answer to our own success was lost
        _discard(storage, mine)
    if published:
        return published
    raise ConflictError(f"{storage.uri}/{prefix}: its manifest came and went while we published; run again")


def rewrite(storage: Storage, manifest: Manifest, folder: Path, facts: dict[str, Any]) -> Manifest:
    """Publish a changed folder in the place of `manifest` and delete the files it named.

    ConflictError, and nothing changed, where the manifest is no longer the one given.
    """
    prefix, stale = manifest.prefix, _attempt_keys(storage, manifest.prefix)
    found = _find_versioned(storage, prefix)
    if found is None or found[0].attempt != manifest.attempt:
        raise ConflictError(f"{storage.uri}/{prefix}: it was rewritten since it was read; find it anew")
    mine = _staged(storage, prefix, folder, facts)
    swapped = storage.replace(f"{prefix}/{MANIFEST}", _encoded(mine), found[1])
    if not swapped and find(storage, prefix) != mine:
        _discard(storage, mine)
        raise ConflictError(f"{storage.uri}/{prefix}: another run rewrote it meanwhile; find it anew")
    _delete(storage, stale)
    return mine


def sweep(storage: Storage, manifest: Manifest) -> int:
    """Delete what killed tries left beside a manifest: the number of files.

    A killed `rewrite` may have left what was to be erased. Not while another rewrites the same prefix.
    """
    tries = _attempt_keys(storage, manifest.prefix)
    stale = [key for key in tries if not key.startswith(f"{manifest.folder}/")]
    _delete(storage, stale)
    return len(stale)


def materialise(storage: Storage, manifest: Manifest, cache: Path) -> Path:
    """A local folder with all files of a manifest: a folder's own, or downloads below `cache`.

    Sizes are always checked, sha256 of what was downloaded (or lay in the cache) too: DamagedError.
    ConflictError where somebody rewrote it meanwhile.
    """
    cached = cache / manifest.folder
    folder = cached
    for record in manifest.files:
        target = cached / record.name
        if target.is_file() and _fault(target, record, deep=True) is None:
            continue
        path = _fetched(storage, manifest, record, target)
        if path != target:  # in place: the same for all files
            folder = path.parents[record.name.count("/")]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fetched(storage: Storage, manifest: Manifest, record: FileRecord, target: Path) -> Path:
    key = f"{manifest.folder}/{record.name}"
    try:
        path = storage.fetch(key, target)
        fault = _fault(path, record, deep=path == target)
    except NotThereError:
        fault = "it is gone"
        if find(storage, manifest.prefix) != manifest:  # an erasure, or a repair
            raise ConflictError(
                f"{storage.uri}/{manifest.prefix} was rewritten while it was read: run again"
            ) from None
    if fault is None:
        return path
    raise DamagedError(
        f"{storage.uri}/{key}: {fault}, against its manifest; "
        f"delete {storage.uri}/{manifest.prefix}/{MANIFEST} and run again to make it anew"
    )


def _fault(file: Path, record: FileRecord, *, deep: bool) -> str | None:
    """What is wrong with a local copy; `deep` reads it all."""
    if (size := file.stat().st_size) != record.size:
        return f"it has {size:,} bytes where {record.size:,} were written"
    if deep and _sha256(file) != record.sha256:
        return "its content is another (sha256)"
    return None


def _staged(storage: Storage, prefix: str, folder: Path, facts: dict[str, Any]) -> Manifest:
    """Upload a folder under a fresh try; after a failure nothing of it is left where that is possible."""
    manifest = Manifest(
        prefix=checked(prefix), attempt=f"attempt-{uuid4().hex}", files=_records(folder), facts=facts
    )
    _encoded(manifest)  # facts that are no JSON fail here, before anything travels
    try:
        for record in manifest.files:
            storage.upload(folder / record.name, f"{manifest.folder}/{record.name}")
    except StorageError:
        with suppress(StorageError):
            _discard(storage, manifest)
        raise
    return manifest


def _records(folder: Path) -> tuple[FileRecord, ...]:
    if not folder.is_dir():
        raise StorageError(f"{folder}: no such folder to publish")
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return tuple(
        FileRecord(name=checked(name), size=(folder / name).stat().st_size, sha256=_sha256(folder / name))
        for name in names
    )


def _find_versioned(storage: Storage, prefix: str) -> tuple[Manifest, str] | None:
    try:
        data, version = storage.read_versioned(f"{prefix}/{MANIFEST}")
        return Manifest.model_validate_json(data), version
    except NotThereError:
        return None
    except ValidationError as error:
        raise DamagedError(
            f"{storage.uri}/{prefix}/{MANIFEST}: this is no manifest ({error.error_count()} faults, the "
            f"first: {error.errors()[0]['msg']}); delete it and run again"
        ) from None


def _restore(storage: Storage, manifest: Manifest, folder: Path) -> None:
    """Upload again what somebody took for a dead try's leftovers before the manifest named it."""
    there = set(_attempt_keys(storage, manifest.prefix))
    for record in manifest.files:
        key = f"{manifest.folder}/{record.name}"
        if key not in there:
            storage.upload(folder / record.name, key)


def _attempt_keys(storage: Storage, prefix: str) -> list[str]:
    return [e.key for e in storage.keys(prefix) if e.key.startswith(f"{prefix}/attempt-")]


def _discard(storage: Storage, manifest: Manifest) -> None:
    _delete(storage, [f"{manifest.folder}/{record.name}" for record in manifest.files])


def _delete(storage: Storage, keys: list[str]) -> None:
    for key in keys:
        storage.delete(key)


def _encoded(manifest: Manifest) -> bytes:
    return json.dumps(manifest.model_dump(), indent=2, sort_keys=True, allow_nan=False).encode()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
