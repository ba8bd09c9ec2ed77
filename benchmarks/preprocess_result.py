"""What every engine has to hand over, and the last step of those that have rows only.

N users, T interactions, V items and the 0; codes of items follow their ids.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

T_DAY = "2021-05-30"  # the last one: whose arrivals are asked about
RUN_DAY = "2021-05-31"
BOTS, LONGEST, MOST = 500, 64, 1_000_000  # the contract of the market `sim`: events a day, characters, price
AT_ONCE = 1_000_000  # numbers checked
NOBODY = ("null", "none", "nan", "undefined", "\\n")


@dataclass(frozen=True, eq=False)
class Result:
    """Samples without what only the library makes."""

    rows: int  # kept, purchases among them
    items: pl.Series  # of the vocabulary, by descending count, then id
    users: pl.Series  # who have anything to learn
    arrays: dict[str, np.ndarray]  # flat, offsets and targets, as Samples names them


def digest(result: Result) -> str:
    """Twelve hex digits of all of it."""
    content = hashlib.sha256(f"{result.rows}".encode())
    for ids in (result.items, result.users):
        content.update("\x00".join(ids).encode())
    for name in sorted(result.arrays):
        content.update(name.encode())
        for start in range(0, len(result.arrays[name]), AT_ONCE):  # checking must not be what holds the most
            content.update(result.arrays[name][start : start + AT_ONCE].astype(np.int64).tobytes())
    return content.hexdigest()[:12]


def finished(
    rows: int,
    user_T: np.ndarray,
    item_T: np.ndarray,
    early_T: np.ndarray,
    user_ids: pl.Series,
    item_ids: pl.Series,
) -> Result:
    """Of rows by user and time, without repetitions: vocabulary, flat array, offsets, who is asked."""
    counts = np.bincount(item_T[early_T], minlength=len(item_ids))
    chosen = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    table = np.zeros(len(item_ids), np.int32)
    table[chosen] = np.arange(1, len(chosen) + 1)
    code_T = table[item_T]
    known = np.concatenate([[0], np.cumsum(code_T > 0)])
    length, before = np.bincount(user_T), np.bincount(user_T[early_T], minlength=int(user_T[-1]) + 1)
    start = np.cumsum(length) - length
    trained, asked = np.flatnonzero(before), np.flatnonzero(length > before)
    index = np.cumsum(before > 0) * (before > 0)
    arrays = {"flat": code_T[code_T > 0], "counts": np.concatenate([[0], counts[chosen]])}
    arrays |= {"train.starts": known[start[trained]], "train.ends": known[(start + before)[trained]]}
    for name, place in (("first", start + before), ("last", start + length - 1)):
        arrays |= {
            f"{name}.users": index[asked],
            f"{name}.starts": known[start[asked]],
            f"{name}.ends": known[place[asked]],
            f"{name}.targets": code_T[place[asked]],
        }
    return Result(rows, item_ids.gather(chosen), user_ids.gather(trained), arrays)
