"""A run's state on disk, whole or not there.

    checkpoints/
      pointer.json        which run, its last and best step, the counters; replaced atomically
      step-00000080-…/    tensors.safetensors: net.*, mean.*, square.*
      step-00000120-…/
      .new-…/             being written; left behind by a killed run, swept by the next save

A reader goes through the pointer only, so it never sees half a checkpoint.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

POINTER = "pointer.json"


@dataclass(frozen=True, eq=False)
class Saved:
    """What `Checkpoints.load` found."""

    state: dict[str, Any]
    tensors: dict[str, Tensor]
    best: dict[str, Tensor] | None  # the tensors named net.* of the best checkpoint


@dataclass(frozen=True)
class Checkpoints:
    """The last and the best checkpoint of one run; `identity` says which run: another's are ignored."""

    folder: Path
    identity: str
    written: Callable[[], None]  # called after each save, when everything is whole on disk

    def save(self, step: int, state: dict[str, Any], tensors: Mapping[str, Tensor], *, best: bool) -> None:
        """Keep this as the last checkpoint, and as the best one if it is."""
        name = f"step-{step:08d}-{self.identity}"
        pointer = self._pointer()
        self._write(name, tensors)
        chosen = name if best else pointer.get("best")
        new = {"identity": self.identity, "last": name, "best": chosen, "state": state}
        _write_whole(self.folder / POINTER, json.dumps(new).encode())
        self._sweep({name, chosen})
        self.written()

    def load(self) -> Saved | None:
        """The last checkpoint of this very run, or None; one that has lost its best weights is none."""
        pointer = self._pointer()
        if not pointer or (pointer["state"].get("best") and not pointer["best"]):
            return None
        best = pointer["best"]
        return Saved(
            pointer["state"],
            _tensors(self.folder / pointer["last"], ""),
            _tensors(self.folder / best, "net.") if best else None,
        )

    def _pointer(self) -> dict[str, Any]:
        file = self.folder / POINTER
        pointer: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return pointer if pointer.get("identity") == self.identity else {}

    def _write(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """The tensors under a temporary name, flushed to the disk, then renamed."""
        new = self.folder / f".new-{name}"
        for leftover in (new, self.folder / name):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        save_file(
            {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()},
            new / "tensors.safetensors",
        )
        _flush(new / "tensors.safetensors")
        _flush(new)
        new.rename(self.folder / name)
        _flush(self.folder)

    def _sweep(self, keep: set[str | None]) -> None:
        """Remove what the pointer does not name."""
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def _tensors(folder: Path, prefix: str) -> dict[str, Tensor]:
    with safe_open(folder / "tensors.safetensors", framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys() if key.startswith(prefix)}  # noqa: SIM118


def _write_whole(file: Path, content: bytes) -> None:
    """Replace a file so that every reader sees the old or the new content."""
    new = file.with_name(f".new-{file.name}")
    new.write_bytes(content)
    _flush(new)
    new.replace(file)
    _flush(file.parent)


def _flush(path: Path) -> None:
    """Onto the disk: a rename must not overtake the content it names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
