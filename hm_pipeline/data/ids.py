"""Ids to small numbers, once, where rows enter: what comes after works on integers.

A *label* is the number an id has from its first appearance on, whatever row that is in. A *code* is the
number it is stored under, given only once an accepted row needs it, to the new ids of a piece in their
alphabetical order: so codes follow from what the rows hold, and an id that only rejected rows have is
not kept.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

Labels = NDArray[np.uint32]
Verdict = Callable[[pl.Series], NDArray[np.uint8]]
NONE = 255  # the verdict of a null
_NO_CODE = np.uint32(2**32 - 1)


class Ids:
    """The ids of one column: labels, a verdict on each that is asked for once an id, and codes.

    One thread may ask for labels while another one asks for codes.
    """

    def __init__(self, verdict: Verdict) -> None:
        self._verdict, self._kind = verdict, pl.Categorical(pl.Categories.random())
        self._alive = pl.Series([], dtype=self._kind)  # polars forgets labels that no series is made of
        self._verdicts = np.empty(0, np.uint8)  # by label
        self._codes = np.empty(0, np.uint32)  # by label
        self._stored: list[pl.Series] = []
        self._size = 0

    def labels(self, ids: pl.Series) -> tuple[Labels, NDArray[np.uint8]]:
        """(N,) labels and verdicts; a null has label 0 and the verdict NONE."""
        found = ids.cast(self._kind).to_physical()
        labels = found.fill_null(0).to_numpy()
        self._judge_new(int(labels.max()) + 1 if len(found) > found.null_count() else 0)
        if not found.null_count():
            return labels, self._verdicts[labels]
        known = found.is_not_null().to_numpy()
        verdicts = np.full(len(labels), NONE, np.uint8)
        verdicts[known] = self._verdicts[labels[known]]
        return labels, verdicts

    def names(self, labels: Labels) -> pl.Series:
        """(N,) ids of labels."""
        return pl.Series(labels, dtype=pl.UInt32).cat.to(self._kind).cast(pl.String)

    def codes(self, labels: Labels) -> NDArray[np.uint32]:
        """(N,) codes of labels; those that have none yet are given theirs."""
        missing = int(labels.max(initial=0)) + 1 - len(self._codes)
        self._codes = np.concatenate([self._codes, np.full(max(missing, 0), _NO_CODE)])
        wanted = np.zeros(len(self._codes), np.bool_)
        wanted[labels] = True
        new = np.flatnonzero(wanted & (self._codes == _NO_CODE)).astype(np.uint32)
        names = self.names(new)
        order = names.arg_sort().to_numpy()
        self._codes[new[order]] = np.arange(self._size, self._size + len(new), dtype=np.uint32)
        self._stored.append(names.gather(order))
        self._size += len(new)
        return self._codes[labels]

    def stored(self) -> pl.Series:
        """(codes,) the id of each code."""
        return pl.concat([pl.Series("id", [], dtype=pl.String), *(s.rename("id") for s in self._stored)])

    def known(self) -> tuple[str, ...]:
        """All ids that were met, in their alphabetical order: for columns that have few."""
        return tuple(sorted(self.names(np.arange(len(self._verdicts), dtype=np.uint32))))

    def _judge_new(self, size: int) -> None:
        """Labels are given one after the other, so the new ones are those past the verdicts known."""
        new = np.arange(len(self._verdicts), size, dtype=np.uint32)
        if len(new):
            self._verdicts = np.concatenate([self._verdicts, self._verdict(self.names(new))])
