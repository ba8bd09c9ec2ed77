"""Which items a history holds, without a row of a table an item.

N rows, A places of each, S distinct items seen by all rows together
"""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories


class Seen:
    """The distinct pairs of a row and an item of its history, 8 bytes each."""

    def __init__(self, histories: Histories) -> None:
        self._keys = np.unique(_keys(*histories.interactions()))  # (S,) sorted
        self._size = len(histories)

    def among(self, rows: Int64, items_NA: Int32) -> Bool:
        """(N, A) whether a row has seen an item."""
        if not len(self._keys):
            return np.zeros(items_NA.shape, dtype=np.bool_)
        keys = _keys(rows[:, None], np.maximum(items_NA, 0))
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.equal(self._keys[at], keys)

    def distinct(self, counted: Bool | None = None) -> Int64:
        """(N,) how many items each row has seen; of those that are `counted` (V,)."""
        keys = self._keys if counted is None else self._keys[counted[self._keys & _ITEM]]
        return np.bincount(keys >> 32, minlength=self._size).astype(np.int64)


_ITEM = np.int64((1 << 32) - 1)


def _keys(rows: Int64, items: Int32) -> Int64:
    """One number for a row and an item."""
    return (rows << 32) | items
