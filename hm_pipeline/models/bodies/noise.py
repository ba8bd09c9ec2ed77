"""Dropout from a generator of its own: nothing seeds torch, and a step can be repeated exactly."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor


class Noise:
    """Dropout while training, nothing while answering."""

    def __init__(self, seed: tuple[int, ...] | None = None, *, compiled: bool = False) -> None:
        """`compiled`: the net around it is, and would draw from torch's own generator."""
        self.off, self.seed = seed is None, seed or ()
        self.generator: torch.Generator | None = None  # made where the first values lie
        self.dropped = _untraced() if compiled else _dropped

    def __call__(self, x: Tensor, share: float) -> Tensor:
        """`x` with `share` of its values set to 0 and the others scaled up."""
        return x if self.off or share == 0.0 else self.dropped(self, x, share)


def _dropped(noise: Noise, x: Tensor, share: float) -> Tensor:
    if noise.generator is None:
        noise.generator = torch.Generator(x.device).manual_seed(_one_number(noise.seed))
    chance = torch.empty(x.shape, device=x.device).uniform_(generator=noise.generator)
    return x * (chance >= share).to(x.dtype).div_(1 - share)  # twice as fast as bernoulli_


@cache
def _untraced() -> Callable[[Noise, Tensor, float], Tensor]:
    """The same function to torch.compile, which is imported for nobody else."""
    untraced: Callable[[Noise, Tensor, float], Tensor] = torch.compiler.disable(_dropped)  # type: ignore[no-untyped-call]
    return untraced


def _one_number(seed: tuple[int, ...]) -> int:
    """A 63-bit number from a few small ones (FNV-1a over their digits)."""
    number = 14695981039346656037
    for byte in repr(seed).encode():
        number = (number ^ byte) * 1099511628211 % 2**64
    return number >> 1
