"""Rows in blocks on all the threads there are; each block is worked on by one.

A product that BLAS spreads over threads leaves them idle while the best are chosen; blocks side by side do
not, as numpy, faiss and Annoy let go of the interpreter's lock.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from threadpoolctl import ThreadpoolController


def over_blocks(rows: int, size: int, work: Callable[[slice], None]) -> None:
    """`work` on each `size` of the rows, in any order; what it writes is the caller's.

    There are as many threads as BLAS has, which OMP_NUM_THREADS says; BLAS then has one in each. Which rows
    make a block does not depend on their number, so neither do the answers. A single block is worked on here.
    """
    blocks = [slice(at, min(at + size, rows)) for at in range(0, rows, size)]
    if len(blocks) < 2:
        for block in blocks:
            work(block)
        return
    threads = max((library["num_threads"] for library in _blas().info()), default=1)
    with _blas().limit(limits=1), ThreadPoolExecutor(min(threads, len(blocks))) as pool:
        for _ in pool.map(work, blocks):
            pass


@cache
def _blas() -> ThreadpoolController:
    """numpy's, and those of whoever was imported before; looking for them takes a millisecond."""
    return ThreadpoolController().select(user_api="blas")
