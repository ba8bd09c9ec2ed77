"""All that training and evaluation need of a window, never one row per prefix.

A sample is a position in `train`: its past is what stands before it in the same row, so a hundred
million interactions are a hundred million samples and one flat array.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.vocabulary import Vocabulary

Protocol = Literal["leave_last_out", "thesis", "next_day", "refit"]


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute of items, e.g. category. `values[code]`; a missing value is a value, the empty text."""

    values: tuple[str, ...]
    codes: Int32  # (V,) code of each item; codes[0] belongs to no item and is not to be read


@dataclass(frozen=True, eq=False)
class Holdout:
    """N histories, each with the interaction that followed it."""

    histories: Histories
    targets: Int32  # (N,) 0 where the target is outside the vocabulary: a miss that stays in the denominator
    target_attributes: dict[str, Int32]  # attribute -> (N,) codes, known for unknown items too

    def __len__(self) -> int:
        """N."""
        return len(self.targets)

    @property
    def oov_rate(self) -> float:
        """Share of targets outside the vocabulary."""
        return float((self.targets == 0).mean()) if len(self) else 0.0

    @property
    def cold(self) -> Bool:
        """(N,) whether a row comes without any known item."""
        return np.equal(self.histories.lengths, 0)

    @property
    def cold_rate(self) -> float:
        """Share of rows without any known item in their history."""
        return float(self.cold.mean()) if len(self) else 0.0

    def take(self, rows: Int64 | Bool | slice) -> Self:
        """These rows."""
        attributes = {name: codes[rows] for name, codes in self.target_attributes.items()}
        return type(self)(self.histories.take(rows), self.targets[rows], attributes)


@dataclass(frozen=True, eq=False)
class Samples:
    """Vocabularies, training histories and holdouts of one window under one protocol.

    Holdouts by protocol: `leave_last_out` and `thesis` have `validation` and `test`; `next_day` has
    `validation`, `first` and `last`; `refit` has none. Row i of `train` is user index i + 1.
    """

    market: str
    protocol: Protocol
    first_day: str  # of what the parameters may see
    last_day: str
    items: Vocabulary
    users: Vocabulary  # users with at least one training interaction
    train: Histories
    counts: Int64  # (V,) training interactions of each item; counts[0] = 0
    sales: Int64 | None  # (V,) purchases of each item, None where the market logs none
    attributes: dict[str, Attribute]
    holdouts: dict[str, Holdout]
    values: dict[str, Float64] = dataclass_field(default_factory=dict)  # price, age: (V,), NaN where unknown

    def __post_init__(self) -> None:
        """Check what every reader relies on."""
        assert len(self.counts) == len(self.items)
        assert self.counts[0] == 0
        assert len(self.train) == len(self.users) - 1

    @property
    def targets(self) -> int:
        """Training targets: every training interaction is one."""
        return self.train.total

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits of everything a model or a metric can see."""
        content = hashlib.sha256(f"{self.protocol} {self.items.digest} {self.users.digest}".encode())
        for name, array in self._arrays():
            content.update(name.encode())
            content.update(np.ascontiguousarray(array).data)  # a mapped array is read, not copied
        return content.hexdigest()[:12]

    def _arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every array by a name, the flat one first."""
        yield "flat", self.train.flat
        yield "counts", self.counts
        if self.sales is not None:
            yield "sales", self.sales
        for name, attribute in self.attributes.items():
            yield f"attribute.{name}", attribute.codes
        for name, values in self.values.items():
            yield f"value.{name}", values
        yield from _view_arrays("train", self.train)
        for name, holdout in self.holdouts.items():
            if holdout.histories.flat is not self.train.flat:  # shuffled training histories have their own
                yield f"{name}.flat", holdout.histories.flat
            yield from _view_arrays(name, holdout.histories)
            yield f"{name}.targets", holdout.targets
            for attribute_name, codes in holdout.target_attributes.items():
                yield f"{name}.target.{attribute_name}", codes

    def save(self, folder: Path) -> None:
        """One .npy an array (flat.npy can be memory-mapped), two vocabularies, samples.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self._arrays():
            if not _lies_in(folder / f"{name}.npy", array):
                np.save(folder / f"{name}.npy", array)
        self.items.save(folder / "items.parquet")
        self.users.save(folder / "users.parquet")
        head = {
            "market": self.market,
            "protocol": self.protocol,
            "first_day": self.first_day,
            "last_day": self.last_day,
            "holdouts": list(self.holdouts),
            "attributes": {name: list(a.values) for name, a in self.attributes.items()},
            "values": list(self.values),
        }
        (folder / "samples.json").write_text(json.dumps(head, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote, with the flat array memory-mapped."""
        head = json.loads((folder / "samples.json").read_text())
        flat = _mapped(folder / "flat.npy")
        sales = folder / "sales.npy"
        return cls(
            market=head["market"],
            protocol=head["protocol"],
            first_day=head["first_day"],
            last_day=head["last_day"],
            items=Vocabulary.load(folder / "items.parquet"),
            users=Vocabulary.load(folder / "users.parquet"),
            train=_load_view(folder, "train", flat),
            counts=np.load(folder / "counts.npy"),
            sales=np.load(sales) if sales.exists() else None,
            attributes={
                name: Attribute(tuple(values), np.load(folder / f"attribute.{name}.npy"))
                for name, values in head["attributes"].items()
            },
            holdouts={
                name: Holdout(
                    _load_view(folder, name, _own_flat(folder, name, flat)),
                    np.load(folder / f"{name}.targets.npy"),
                    {a: np.load(folder / f"{name}.target.{a}.npy") for a in head["attributes"]},
                )
                for name in head["holdouts"]
            },
            values={name: np.load(folder / f"value.{name}.npy") for name in head["values"]},
        )


_VIEW = ("starts", "ends", "users", "last")


def _view_arrays(name: str, view: Histories) -> Iterator[tuple[str, np.ndarray]]:
    for field in _VIEW:
        yield f"{name}.{field}", getattr(view, field)


def _lies_in(file: Path, array: np.ndarray) -> bool:
    """Whether an array is that file's own content, mapped."""
    return (
        isinstance(array, np.memmap) and array.filename is not None and Path(array.filename) == file.resolve()
    )


def _mapped(file: Path) -> Int32:
    array: Int32 = np.load(file, mmap_mode="r")
    return array


def _own_flat(folder: Path, name: str, shared: Int32) -> Int32:
    own = folder / f"{name}.flat.npy"
    return _mapped(own) if own.exists() else shared


def _load_view(folder: Path, name: str, flat: Int32) -> Histories:
    return Histories(flat, **{field: np.load(folder / f"{name}.{field}.npy") for field in _VIEW})
