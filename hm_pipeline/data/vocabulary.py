"""Ids to small integers and back."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Int32

_HASHED_AT_ONCE = 100_000  # ids


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Ids to 1..V-1 and back; 0 stands for padding and for everything unknown.

    `ids` holds the id of index i at position i-1. A null is the grave of an erased id: its index
    stays taken, so that the rows of a model keep their places, and nothing finds it any more.
    """

    ids: pl.Series

    def __post_init__(self) -> None:
        """Refuse what would make two ids one."""
        assert self.ids.dtype == pl.String, self.ids.dtype
        assert self.ids.drop_nulls().is_unique().all(), "an id stands twice in a vocabulary"

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """The vocabulary of these ids, in this order."""
        return cls(pl.Series("id", list(ids), dtype=pl.String))

    def __len__(self) -> int:
        """V: the number of indices, the 0 included."""
        return len(self.ids) + 1

    @cached_property
    def _index(self) -> pl.DataFrame:
        frame = pl.DataFrame({"id": self.ids, "index": np.arange(1, len(self), dtype=np.int32)})
        return frame.drop_nulls()

    def encode(self, ids: pl.Series) -> Int32:
        """(N,) indices, 0 where an id is unknown or null."""
        wanted = pl.DataFrame({"id": ids.cast(pl.String)})
        found = wanted.join(self._index, on="id", how="left", maintain_order="left")
        return found["index"].fill_null(0).to_numpy().astype(np.int32, copy=False)

    def decode(self, indices: Int32) -> pl.Series:
        """(N,) ids, null at 0, at negative indices and at erased ids."""
        table = pl.concat([pl.Series("id", [None], dtype=pl.String), self.ids.rename("id")])
        return table.gather(np.maximum(indices.ravel(), 0))

    def without(self, erased: Iterable[str]) -> Self:
        """The same indices, with graves where the erased ids were."""
        gone = self.ids.is_in(list(erased))
        return type(self)(pl.select(pl.when(~gone).then(self.ids)).to_series().rename("id"))

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits of the ids in their order."""
        content = hashlib.sha256()
        marked = pl.concat_str(pl.lit("\x01"), "id", pl.lit("\x00")).fill_null("\x00")
        for some in pl.DataFrame({"id": self.ids}).iter_slices(_HASHED_AT_ONCE):
            content.update(some.select(marked.str.join("")).item().encode())
        return content.hexdigest()[:12]

    def save(self, file: Path) -> None:
        """One parquet file with the column `id`."""
        pl.DataFrame({"id": self.ids}).write_parquet(file)

    @classmethod
    def load(cls, file: Path) -> Self:
        """What `save` wrote."""
        return cls(pl.read_parquet(file)["id"])
