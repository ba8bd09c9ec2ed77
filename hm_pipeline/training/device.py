"""Where a net trains, and what is different there. Nobody configures it: a GPU is used where there is one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


def device_here() -> torch.device:
    """This process's GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def half_precision(device: torch.device) -> torch.autocast:
    """Products in bfloat16 inside, on GPUs that have it; weights, moments and the loss stay float32."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


@contextmanager
def quick_products(device: torch.device) -> Iterator[None]:
    """Let a GPU round the factors of float32 products (the loss's) to TF32; sums stay float32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def compiled(bodies: Sequence[nn.Module], wanted: bool) -> Iterator[None]:
    """Let torch compile them inside, for batches of any shape; they keep the names of their parameters."""
    for body in bodies if wanted else ():
        body.compile(dynamic=True)
    try:
        yield
    finally:
        for body in bodies:
            body._compiled_call_impl = None  # answering has shapes of its own
