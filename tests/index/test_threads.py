"""Blocks side by side, and BLAS as it was when they are done."""

import os
import subprocess
import sys

import pytest

from hm_pipeline.index.threads import over_blocks

HEAD = """
import numpy, threading
from hm_pipeline.index.threads import _blas, over_blocks

def blas():
    return {library["num_threads"] for library in _blas().info()}
"""
OVERLAPPING = """
first_is_in, second_is_in, first_has_left, second_has_left, done = (threading.Event() for _ in range(5))

def call(work, left):
    over_blocks(2, 1, work)
    left.set()
    done.wait(5)  # lives on, as a server's threads do

def first(block):
    first_is_in.set()
    second_is_in.wait(5)

def second(block):
    second_is_in.set()
    first_has_left.wait(5)
    told.append(blas())

told = []
threading.Thread(target=call, args=(first, first_has_left)).start()
first_is_in.wait(5)
threading.Thread(target=call, args=(second, second_has_left)).start()
second_has_left.wait(5)
print(told, blas())
done.set()
"""
FAILING = """
try:
    over_blocks(2, 1, lambda block: 1 / 0)
except ZeroDivisionError:
    print(blas())
"""


def said(code: str) -> str:
    """What a process says whose BLAS has two threads."""
    two = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    return subprocess.run(
        [sys.executable, "-c", HEAD + code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | two,
    ).stdout.strip()


def test_every_row_is_worked_on_once() -> None:
    done: list[int] = []
    over_blocks(10, 3, lambda block: done.extend(range(block.start, block.stop)))
    assert sorted(done) == list(range(10))


@pytest.mark.skipif(os.cpu_count() == 1, reason="BLAS has one thread at most")
def test_blas_is_single_until_the_last_of_two_calls_leaves() -> None:
    assert said(OVERLAPPING) == "[{1}, {1}] {2}"


@pytest.mark.skipif(os.cpu_count() == 1, reason="BLAS has one thread at most")
def test_blas_has_its_threads_again_after_a_failure() -> None:
    assert said(FAILING) == "{2}"
