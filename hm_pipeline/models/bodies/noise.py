"""Dropout from a generator of its own: nothing seeds torch, and a step can be repeated exactly."""

import torch
from torch import Tensor


class Noise:
    """Dropout while training, nothing while answering."""

    def __init__(self, seed: tuple[int, ...] | None = None) -> None:
        self.generator: torch.Generator | None = None
        if seed is not None:
            self.generator = torch.Generator().manual_seed(_one_number(seed))

    def __call__(self, x: Tensor, share: float) -> Tensor:
        """`x` with `share` of its values set to 0 and the others scaled up."""
        if self.generator is None or share == 0.0:
            return x
        kept = torch.empty(x.shape, dtype=x.dtype).bernoulli_(1 - share, generator=self.generator)
        return x * kept.div_(1 - share).to(x.device)


def _one_number(seed: tuple[int, ...]) -> int:
    """A 63-bit number from a few small ones (FNV-1a over their digits)."""
    number = 14695981039346656037
    for byte in repr(seed).encode():
        number = (number ^ byte) * 1099511628211 % 2**64
    return number >> 1
