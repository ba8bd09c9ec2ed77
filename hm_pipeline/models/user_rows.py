"""What a net knows of single users, in a file of its own: one row is all that is known of one of them.

    user_rows.npy   (U, M W): row u - 1 for user index u, the tables of M members side by side

The unknown user's rows stay with the weights.
"""

from pathlib import Path

import numpy as np
from torch import Tensor

from hm_pipeline.data.arrays import Float32

FILE = "user_rows.npy"
_TABLE = "user_embedding.weight"
Tensors = dict[str, Tensor]


def set_apart(tensors: Tensors, folder: Path) -> Tensors:
    """`tensors` with the unknown user's rows alone; everybody else's are written into the folder."""
    names = _tables(tensors)
    if names:
        parts = [tensors[name][1:].numpy() for name in names]
        np.save(folder / FILE, parts[0] if len(parts) == 1 else np.hstack(parts), allow_pickle=False)
    return tensors | {name: tensors[name][:1].clone() for name in names}


def brought_back(tensors: Tensors, folder: Path) -> Tensors:
    """What `set_apart` was given; without the file the unknown user's rows are all there is."""
    names = _tables(tensors)
    if not names or not (folder / FILE).exists():
        return tensors
    parts = np.split(np.load(folder / FILE, mmap_mode="r"), len(names), axis=1)
    return tensors | {name: _whole(tensors[name], rows) for name, rows in zip(names, parts, strict=True)}


def _tables(tensors: Tensors) -> list[str]:
    """The names of the users' tables, one a member."""
    return sorted(name for name in tensors if name.endswith(_TABLE))


def _whole(unknown: Tensor, rows: Float32) -> Tensor:
    """The unknown user's row, then everybody's, which are held once."""
    table = unknown.new_empty(1 + len(rows), unknown.shape[1])
    table[:1] = unknown
    table.numpy()[1:] = rows
    return table
