"""Views of users' histories into the one flat array from which unknown items are gone.

N users, T interactions, C codes of items in the log.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hm_pipeline.data.arrays import Int32, Int64
from hm_pipeline.data.cut import Cut
from hm_pipeline.data.flat import translated, unknown
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Holdout
from hm_pipeline.data.split import Question


class Gather:
    """`table` (C,) makes an item of the vocabulary of each code in the log: 0 where it is outside.

    The flat array goes into `file`, where there is one.
    """

    def __init__(self, cut: Cut, table: Int32, file: Path | None) -> None:
        self.cut, self.table, self.starts = cut, table, cut.starts
        self.unknown = unknown(cut.items, table)
        self.flat = translated(cut.items, table, len(cut.items) - len(self.unknown), file)
        self.trained = np.flatnonzero(cut.train)  # users with anything to learn
        self.user_index = np.zeros(len(cut.lengths), np.int32)
        self.user_index[self.trained] = np.arange(1, len(self.trained) + 1, dtype=np.int32)

    def train(self) -> Histories:
        """What is learned of each user who has anything to learn."""
        return self.histories(self.trained, self.cut.train[self.trained])

    def histories(self, users: Int64, length: Int64) -> Histories:
        """The first `length` (N,) raw items of these users (N,), unknown items left out."""
        start = self.starts[users]
        end = start + length
        last = np.where(length > 0, self.table[self.cut.items[np.maximum(end - 1, 0)]], 0).astype(np.int32)
        return Histories(
            self.flat, self._known_before(start), self._known_before(end), self.user_index[users], last
        )

    def holdout(self, question: Question, attributes: Mapping[str, Int32]) -> Holdout:
        """Who is asked, and what followed; `attributes` (C,) are of all items of the log."""
        asked = self.cut.items[self.starts[question.users] + question.history]
        return Holdout(
            self.histories(question.users, question.history),
            self.table[asked],
            {name: codes[asked] for name, codes in attributes.items()},
        )

    def _known_before(self, places: Int64) -> Int64:
        """How many known items stand before each place."""
        return places - np.searchsorted(self.unknown, places)
