"""Adam whose step costs nothing for the rows of a table that a batch did not touch.

A gradient that arrives sparse (an embedding's) updates its own rows and their moments only: *lazy* Adam.
Untouched rows keep weight and moments as they are, where Adam would let old momentum move them on. Where
every row is touched the two are equal. Dense gradients get Adam (Kingma & Ba 2015) in torch's fused kernel.
"""

from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adam import adam

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class LazyAdam:
    """Moments of named parameters, and the number of steps taken."""

    def __init__(
        self, parameters: Mapping[str, Parameter], factors: Mapping[str, float] | None = None
    ) -> None:
        """`factors` of the rate, by name; 1 where none is said."""
        self.parameters = dict(parameters)
        self.factors = {name: (factors or {}).get(name, 1.0) for name in self.parameters}
        self.mean = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.square = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.steps = 0

    def gradient_norm(self) -> Tensor:
        """() the Euclidean norm of all gradients together; merges repeated rows of the sparse ones."""
        values = []
        for p in self.parameters.values():
            if p.grad is not None:
                p.grad = p.grad.coalesce() if p.grad.is_sparse else p.grad
                values.append(p.grad.values() if p.grad.is_sparse else p.grad)
        norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(v) for v in values]))
        return norm

    @torch.no_grad()
    def step(self, rate: float, divisor: Tensor | None = None) -> None:
        """One update with all gradients divided by `divisor` (); the gradients are forgotten."""
        self.steps += 1
        arrived = {name: p for name, p in self.parameters.items() if p.grad is not None}
        dense = [name for name, p in arrived.items() if not _grad(p).is_sparse]
        for factor in {self.factors[name] for name in dense}:
            self._dense([name for name in dense if self.factors[name] == factor], rate * factor, divisor)
        for name in arrived.keys() - set(dense):
            self._touched_rows(name, rate * self.factors[name], divisor)
        for p in arrived.values():
            p.grad = None

    def _dense(self, names: list[str], rate: float, divisor: Tensor | None) -> None:
        """Those of one rate in one kernel, which itself counts the steps that it is given on by one."""
        before = torch.full((len(names),), float(self.steps - 1), device=self.mean[names[0]].device)
        adam(
            [self.parameters[name] for name in names],
            [_grad(self.parameters[name]) for name in names],
            [self.mean[name] for name in names],
            [self.square[name] for name in names],
            [],
            list(before.unbind()),
            fused=True,
            grad_scale=None if divisor is None else divisor.float(),
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def _touched_rows(self, name: str, rate: float, divisor: Tensor | None) -> None:
        p = self.parameters[name]
        grad = _grad(p).coalesce()
        rows, values = grad.indices()[0], grad.values()
        mean, square = self.mean[name][rows], self.square[name][rows]
        moved = self._moved(values if divisor is None else values / divisor, mean, square, rate)
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


def _grad(p: Parameter) -> Tensor:
    assert p.grad is not None
    return p.grad
