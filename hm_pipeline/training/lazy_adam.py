"""Adam whose step costs nothing for the rows of a table that a batch did not touch.

A gradient that arrives sparse (an embedding's) updates its own rows and their moments only: *lazy* Adam.
Untouched rows keep weight and moments as they are, where Adam would let old momentum move them on. Where
every row is touched the two are equal. Dense gradients get Adam (Kingma & Ba 2015).
"""

from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor
from torch.nn import Parameter

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class LazyAdam:
    """Moments of named parameters, and the number of steps taken."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = dict(parameters)
        self.mean = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.square = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.steps = 0

    def gradient_norm(self) -> float:
        """The Euclidean norm of all gradients together; merges repeated rows of the sparse ones."""
        norms = []
        for p in self.parameters.values():
            if p.grad is not None:
                p.grad = p.grad.coalesce() if p.grad.is_sparse else p.grad
                norms.append(torch.linalg.vector_norm(_values(p.grad)))
        return float(torch.linalg.vector_norm(torch.stack(norms)))

    @torch.no_grad()
    def step(self, rate: float, shrink: float = 1.0) -> None:
        """One update with all gradients times `shrink`; the gradients are forgotten."""
        self.steps += 1
        for name, p in self.parameters.items():
            if p.grad is None:
                continue
            if p.grad.is_sparse:
                self._touched_rows(name, p, p.grad.coalesce(), rate, shrink)
            else:
                moved = self._moved(p.grad.mul_(shrink), self.mean[name], self.square[name], rate)
                p.sub_(moved)
            p.grad = None

    def _touched_rows(self, name: str, p: Parameter, grad: Tensor, rate: float, shrink: float) -> None:
        rows = grad.indices()[0]
        mean, square = self.mean[name][rows], self.square[name][rows]
        moved = self._moved(grad.values() * shrink, mean, square, rate)
        self.mean[name][rows] = mean
        self.square[name][rows] = square
        p[rows] -= moved

    def _moved(self, grad: Tensor, mean: Tensor, square: Tensor, rate: float) -> Tensor:
        """How far weights move down; the moments are updated in place."""
        mean.lerp_(grad, 1 - BETA1)
        square.mul_(BETA2).addcmul_(grad, grad, value=1 - BETA2)
        size = square.sqrt().div_(sqrt(1 - BETA2**self.steps)).add_(EPSILON)
        return torch.div(mean, size, out=size).mul_(rate / (1 - BETA1**self.steps))

    def tensors(self) -> dict[str, Tensor]:
        """All moments by name: with `steps`, the whole state."""
        mean = {f"mean.{name}": t for name, t in self.mean.items()}
        return mean | {f"square.{name}": t for name, t in self.square.items()}

    def restore(self, tensors: Mapping[str, Tensor], steps: int) -> None:
        """Continue where `tensors` and `steps` were taken."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])
        self.steps = steps


def _values(grad: Tensor) -> Tensor:
    return grad.values() if grad.is_sparse else grad
