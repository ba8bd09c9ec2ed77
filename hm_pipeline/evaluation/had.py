"""What users had already, against lists; histories a block of users at a time, since all take gigabytes.

N users, R rows of lists
"""

from collections.abc import Iterator

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.seen import Seen

_BLOCK = 100_000  # users


def rows_with_the_last(train: Histories, users: Int32, items: Int32) -> int:
    """How many rows (R,) hold the item that their user (-1: a stranger) had last."""
    return int(((users >= 0) & (items > 0) & (items == train.last[users])).sum())


def rows_with_any(train: Histories, users: Int32, items: Int32) -> int:
    """How many rows (R,) hold an item of their user's history."""
    if (np.diff(users) < 0).any():  # they are published in the users' order
        order = np.argsort(users, kind="stable")
        users, items = users[order], items[order]
    found = 0
    for first, seen in _blocks(train):
        begin, end = np.searchsorted(users, np.array([first, first + _BLOCK], np.int32))
        rows = users[begin:end].astype(np.int64) - first
        found += int(seen.among(rows, items[begin:end, None]).sum())
    return found


def not_had(train: Histories, counted: Bool) -> Int64:
    """(N,) how many of the items that are `counted` (V,) a user has not had."""
    had = [seen.distinct(counted) for _, seen in _blocks(train)]
    return int(counted[1:].sum()) - np.concatenate([np.empty(0, np.int64), *had])


def _blocks(train: Histories) -> Iterator[tuple[int, Seen]]:
    """The first user of each block, and what its users have seen."""
    for first in range(0, len(train), _BLOCK):
        yield first, Seen(train.take(slice(first, first + _BLOCK)))
