"""What kind of items the lists show: popularity, price and age by rank, and the mix of categories.

Thesis 4.3.5, figures 4.5 to 4.7; definitions in docs/definitions.md.

    rank              1      2      …      catalogue
    price   mean   19.9   24.5      …           31.0     over users whose item there has a known price
            se      0.4    0.5

Shapes: N users, K places, V items, C values of an attribute.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Float64, Int32, Int64
from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.estimate import average
from hm_pipeline.evaluation.mix import shares
from hm_pipeline.frozen import Frozen

MOST_VALUES = 8  # of an attribute that are named; the others are one
OTHER, UNKNOWN_VALUE = "other", "unknown"


class AtRank(Frozen):
    """One place of the lists, over the n users whose item there has a known value."""

    n: int
    mean: float | None  # null where n is 0
    se: float | None  # sd / sqrt n; null where n < 2


class Trait(Frozen):
    """One number that items have, by rank."""

    name: str  # popularity (training interactions), price (the market's currency), age (days)
    ranks: tuple[AtRank, ...]  # rank 1 first, K of them
    known: float | None  # share of the filled places whose item has a known value; null where none is filled
    catalogue: float | None  # unweighted mean over the items of the vocabulary with a known value
    catalogue_known: float  # share of the vocabulary's items with one

    @property
    def mean(self) -> float | None:
        """Over all places with a known value, each with the same weight."""
        places = sum(rank.n for rank in self.ranks)
        return sum(rank.n * (rank.mean or 0.0) for rank in self.ranks) / places if places else None

    @property
    def against_catalogue(self) -> float | None:
        """How many times the catalogue's mean; null where either is missing or the catalogue's is 0."""
        return self.mean / self.catalogue if self.mean is not None and self.catalogue else None


class Mix(Frozen):
    """Shares by value of one attribute."""

    attribute: str
    values: tuple[str, ...]  # the window's most frequent first; where there are more, `other` is the last
    shown: tuple[float, ...]  # of the filled places; all 0 where none is
    catalogue: tuple[float, ...]  # of the items of the vocabulary, unweighted
    window: tuple[float, ...]  # of the training interactions

    @property
    def known(self) -> bool:
        """Whether the catalogue says anything of this attribute."""
        return self.values not in ((), (UNKNOWN_VALUE,))


class ItemProfile(Frozen):
    """What one model's lists are made of."""

    traits: tuple[Trait, ...]
    mixes: tuple[Mix, ...]

    @property
    def known_mixes(self) -> tuple[Mix, ...]:
        """The mixes by attributes that the catalogue knows."""
        return tuple(mix for mix in self.mixes if mix.known)

    def same_market(self, other: Self) -> bool:
        """Whether both are against the same catalogue and window, value by value."""
        return [mix.model_copy(update={"shown": ()}) for mix in self.mixes] == [
            mix.model_copy(update={"shown": ()}) for mix in other.mixes
        ]

    @classmethod
    def of(cls, places_NK: Int32, samples: Samples) -> Self:
        """The profile of these places, items of `samples`, -1 where nothing stands."""
        numbers = {"popularity": samples.counts.astype(np.float64)} | samples.values
        traits = (_trait(name, places_NK, values) for name, values in numbers.items())
        return cls(traits=tuple(traits), mixes=tuple(_mixes(places_NK, samples)))


def _trait(name: str, places_NK: Int32, values_V: Float64) -> Trait:
    filled = places_NK > 0
    known_NK = np.where(filled, values_V[np.maximum(places_NK, 0)], np.nan)
    there, listed = ~np.isnan(known_NK), values_V[1:][~np.isnan(values_V[1:])]
    return Trait(
        name=name,
        ranks=tuple(_at_rank(column[~np.isnan(column)]) for column in known_NK.T),
        known=float(there.sum() / filled.sum()) if filled.any() else None,
        catalogue=average(listed).mean,
        catalogue_known=len(listed) / max(len(values_V) - 1, 1),
    )


def _at_rank(known: Float64) -> AtRank:
    estimate = average(known)
    return AtRank(n=len(known), mean=estimate.mean, se=estimate.se)


def _mixes(places_NK: Int32, samples: Samples) -> Iterator[Mix]:
    size = len(samples.items)
    shown = np.bincount(places_NK[places_NK > 0], minlength=size)
    each_once = np.ones(size, np.int64)
    for name, attribute in samples.attributes.items():
        counted = (shown, each_once, samples.counts)
        yield _mix(name, attribute.values, *(shares(counts, samples, name) for counts in counted))


def _mix(name: str, values: tuple[str, ...], shown: Float64, catalogue: Float64, window: Float64) -> Mix:
    present = np.flatnonzero(catalogue)
    ordered = present[np.argsort(-window[present], kind="stable")]
    named, rest = ordered[:MOST_VALUES], ordered[MOST_VALUES:]
    words = tuple(values[code] or UNKNOWN_VALUE for code in named) + (OTHER,) * bool(len(rest))
    return Mix(
        attribute=name,
        values=words,
        shown=_folded(shown, named, rest),
        catalogue=_folded(catalogue, named, rest),
        window=_folded(window, named, rest),
    )


def _folded(share_C: Float64, named: Int64, rest: Int64) -> tuple[float, ...]:
    """The named values' shares, then, where there are others, theirs together."""
    others = (float(share_C[rest].sum()),) * bool(len(rest))
    return (*share_C[named].tolist(), *others)
