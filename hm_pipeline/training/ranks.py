"""Who trains together: the processes of one run, each with its share of every batch.

A process that nobody joined to others is alone, and nothing here costs it anything. What goes between the
processes is tensors of numbers; nothing is pickled.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together. What all of them call, all call in the same order."""

    rank: int = 0
    size: int = 1
    joined: bool = False  # a group of one is one, too

    @classmethod
    def here(cls) -> Self:
        """The group that this process was joined to, or itself alone."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(dist.get_rank(), dist.get_world_size(), joined=True)

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.rank == 0

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all ranks."""
        if not self.joined:
            return values
        here = values.to(_device())
        dist.all_reduce(here)
        return here

    def total(self, number: int) -> int:
        """The sum over all ranks."""
        return int(self.summed(torch.tensor(number)))

    def gathered(self, here: Tensor) -> list[Tensor]:
        """Everybody's, in the order of ranks; all of one shape."""
        parts = [torch.empty_like(here) for _ in range(self.size)]
        dist.all_gather(parts, here.contiguous())
        return parts

    def from_first(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite these tensors with the first rank's."""
        for tensor in tensors if self.joined else ():
            there = tensor.detach().to(_device())
            dist.broadcast(there, 0)
            tensor.detach().copy_(there)

    def text_from_first(self, text: str) -> str:
        """The first rank's text."""
        if not self.joined:
            return text
        length = self.total(len(text.encode()) if self.is_first else 0)
        letters = torch.zeros(length, dtype=torch.uint8)
        if self.is_first:
            letters = torch.tensor(list(text.encode()), dtype=torch.uint8)
        self.from_first([letters])
        return bytes(letters.tolist()).decode()


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that torchrun started, which told each where they meet; one GPU each, or CPUs."""
    on_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        if on_gpu:
            torch.cuda.set_device(dist.get_rank() % torch.cuda.device_count())
        yield Ranks.here()
    finally:
        dist.destroy_process_group()


def _device() -> torch.device:
    """Where the group's tensors lie: NCCL takes those of GPUs only."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
