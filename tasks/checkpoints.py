"""Checkpoints on this machine's disk, and a copy in the bucket: a lost host's training goes on elsewhere.

{market}/{day}/checkpoints/{title}/…/step-00000080-…/tensors.safetensors
{market}/{day}/checkpoints/{title}/…/pointer.json       written last: it names what is whole

A results root that is a folder gets no copy: it lies on the disk that the checkpoints lie on.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hm_pipeline.errors import NotThereError, StorageError
from tasks.settings import settings
from tasks.spent import SPENT

POINTER = "pointer.json"  # hm_pipeline.training.checkpoint's, which needs torch
ROOM = "checkpoints"
COPY_SECONDS = 120.0  # at least between two copies: a large net's takes long to travel


@dataclass
class Mirror:
    """A folder of checkpoints and the key of its copy; an empty key means none."""

    folder: Path
    key: str
    pause: float = COPY_SECONDS
    copied: float = field(default=-1e9)  # when last, by the monotonic clock

    @classmethod
    def of(cls, market: str, day: str, name: Path) -> "Mirror":
        """Of one fit."""
        folder = settings().work / ROOM / market / day / name
        remote = "://" in settings().root
        return cls(folder, f"{market}/{day}/{ROOM}/{name.as_posix()}" if remote else "")

    def fetch(self) -> None:
        """Bring the copy here, if there is one and nothing as new lies here; a copy that is going is none."""
        if not self.key:
            return
        with suppress(NotThereError):
            pointer = settings().storage.read(f"{self.key}/{POINTER}")
            if _step(pointer) <= self._here():
                return
            for step in _steps(pointer):
                self._fetch(step)
            with suppress(NotThereError):
                self._write(SPENT, settings().storage.read(f"{self.key}/{SPENT}"))
            self._write(POINTER, pointer)

    def _here(self) -> int:
        """The step that lies on this disk, -1 where there is none."""
        file = self.folder / POINTER
        return _step(file.read_bytes()) if file.exists() else -1

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f".{name}"
        part.write_bytes(content)
        part.replace(self.folder / name)

    def _fetch(self, step: str) -> None:
        found = settings().storage.keys(f"{self.key}/{step}")
        if not found:
            raise NotThereError(f"{self.key}/{step} is going")
        for entry in found:
            settings().storage.fetch(entry.key, self.folder / entry.key.removeprefix(f"{self.key}/"))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Meanwhile nobody takes it for what a training left; the lock goes with its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def is_in_use(self) -> bool:
        """Whether somebody on this machine trains there; what is gone was dropped by its training."""
        try:
            handle = os.open(self.folder, os.O_RDONLY)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def keep(self) -> None:
        """Copy what is whole here; a bucket that does not answer costs the copy, not the training."""
        if not self.key or time.monotonic() - self.copied < self.pause:
            return
        with suppress(StorageError):
            self._copy()
        self.copied = time.monotonic()

    def _copy(self) -> None:
        storage, pointer = settings().storage, (self.folder / POINTER).read_bytes()
        there = {entry.key for entry in storage.keys(self.key)}
        named = {f"{self.key}/{POINTER}", f"{self.key}/{SPENT}"}
        for step in _steps(pointer):
            for file in sorted((self.folder / step).iterdir()):
                key = f"{self.key}/{step}/{file.name}"
                named.add(key)
                if key not in there:
                    storage.upload(file, key)
        if (self.folder / SPENT).exists():
            storage.write(f"{self.key}/{SPENT}", (self.folder / SPENT).read_bytes())
        storage.write(f"{self.key}/{POINTER}", pointer)
        for key in there - named:
            storage.delete(key)

    def drop(self) -> None:
        """Nobody will resume."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.key:
            with suppress(StorageError):
                for entry in settings().storage.keys(self.key):
                    settings().storage.delete(entry.key)


def _step(pointer: bytes) -> int:
    """How far the training was."""
    return int(json.loads(pointer)["state"]["step"])


def _steps(pointer: bytes) -> list[str]:
    """The folders that a pointer names."""
    named = json.loads(pointer)
    return sorted({named[which] for which in ("last", "best") if named.get(which)})
