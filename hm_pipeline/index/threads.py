"""Rows in blocks on all the threads there are; each block is worked on by one.

A product that BLAS spreads over threads leaves them idle while the best are chosen; blocks side by side do
not, as numpy, faiss and Annoy let go of the interpreter's lock.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock

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
    with _SINGLE.held() as threads, ThreadPoolExecutor(min(threads, len(blocks))) as pool:
        for _ in pool.map(work, blocks):
            pass


class _SingleBlas:
    """BLAS at one thread while anybody needs it so: its number is the process's, and calls overlap.

    threadpoolctl lets only the thread that set the number change it again. The first caller may live on
    while the last one leaves, so a thread of its own does both.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._threads = Lock(), 0, 1

    @contextmanager
    def held(self) -> Iterator[int]:
        """How many threads it had before the first came; it has them again when the last has left."""
        self._enter()
        try:
            yield self._threads
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._users:
                self._threads = max((library["num_threads"] for library in _blas().info()), default=1)
                self._owner = ThreadPoolExecutor(1)
                self._limit = self._owner.submit(lambda: _blas().limit(limits=1).__enter__()).result()
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._owner.submit(self._limit.__exit__, None, None, None).result()
                self._owner.shutdown()


_SINGLE = _SingleBlas()


@cache
def _blas() -> ThreadpoolController:
    """numpy's, and those of whoever was imported before; looking for them takes a millisecond."""
    return ThreadpoolController().select(user_api="blas")
