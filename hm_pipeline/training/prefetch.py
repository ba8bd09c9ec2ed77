"""Batches on the device of the net, gathered while the step before still runs.

A GPU waits for no batch: one thread gathers and pins the next batches, and they are copied while it computes.
On a CPU a thread would only take the cores that the step needs.
"""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from hm_pipeline.training.batches import Batch

T = TypeVar("T")
DEPTH = 4  # batches that wait


def fed(gather: Callable[[int], Batch], numbers: range, device: torch.device) -> Generator[Batch]:
    """The batches of these numbers, in this order."""
    if device.type != "cuda":
        yield from map(gather, numbers)
        return
    for batch in ahead(lambda number: gather(number).pinned(), numbers):
        yield batch.to(device)


def ahead(make: Callable[[int], T], numbers: range, depth: int = DEPTH) -> Generator[T]:
    """`map(make, numbers)`, made by a thread that is up to `depth` of them ahead."""
    hand = ThreadPoolExecutor(1, "batches")
    try:
        waiting = deque(hand.submit(make, number) for number in numbers[:depth])
        for number in numbers[depth:]:
            yield waiting.popleft().result()
            waiting.append(hand.submit(make, number))
        while waiting:
            yield waiting.popleft().result()
    finally:
        hand.shutdown(cancel_futures=True)
