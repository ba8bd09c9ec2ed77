"""Chance by name: a number is a function of the seed, of what it is for, and of which one it is.

Nothing is drawn in turn, so neither the size of a chunk nor a restart changes anything. The generator is
splitmix64 (Steele, Lea, Flood 2014): its n-th output needs none of those before it.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hm_pipeline.data.arrays import Float64, Int32, Int64

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_DOUBLE = np.uint64(11)  # a double holds 53 bits of 64


@dataclass(frozen=True)
class Chance:
    """One source of numbers; `of` names others, which are independent of it."""

    name: str

    def of(self, *words: object) -> "Chance":
        """The source for this purpose, this day and so on."""
        return Chance("/".join((self.name, *map(str, words))))

    def uniform(self, which: Int32 | Int64) -> Float64:
        """(N,) numbers in [0, 1), one for each of these whole numbers."""
        kept = self._bits(which.astype(np.uint64)) >> _DOUBLE
        return kept.astype(np.float64) * 2.0**-53

    def normal(self, which: Int32 | Int64) -> Float64:
        """(N,) standard normal numbers, by Box and Muller."""
        radius = np.sqrt(-2 * np.log1p(-self.of("radius").uniform(which)))
        normal: Float64 = radius * np.cos(2 * np.pi * self.of("angle").uniform(which))
        return normal

    def _bits(self, which: NDArray[np.uint64]) -> NDArray[np.uint64]:
        mixed = which * _STEP + self._key
        for shift, factor in _MIX:
            mixed = (mixed ^ (mixed >> shift)) * factor
        return mixed ^ (mixed >> np.uint64(31))

    @property
    def _key(self) -> np.uint64:
        digest = hashlib.blake2b(self.name.encode(), digest_size=8).digest()
        return np.uint64(int.from_bytes(digest, "little"))
