"""Lazy Adam: Adam where every row is touched, nothing where none is."""

import pytest
import torch
from torch import nn

from hm_pipeline.training.lazy_adam import LazyAdam


def tables(sparse: bool) -> nn.Embedding:
    table = nn.Embedding(6, 3, sparse=sparse, dtype=torch.float64)
    with torch.no_grad():
        table.weight.copy_(torch.arange(18, dtype=torch.float64).reshape(6, 3) / 10)
    return table


def learn(table: nn.Embedding, rows: torch.Tensor) -> None:
    (table(rows).sin() * torch.arange(1, len(rows) + 1)[:, None]).sum().backward()


def test_it_equals_adam_where_every_row_is_touched() -> None:
    lazy, dense = tables(sparse=True), tables(sparse=False)
    ours, theirs = LazyAdam({"t": lazy.weight}), torch.optim.Adam(dense.parameters(), lr=0.01)
    for step in range(5):
        rows = torch.randperm(6, generator=torch.Generator().manual_seed(step)).repeat(2)
        learn(lazy, rows)
        learn(dense, rows)
        ours.gradient_norm()
        ours.step(0.01)
        theirs.step()
        theirs.zero_grad()
    torch.testing.assert_close(lazy.weight, dense.weight)


def test_dense_parameters_get_adam() -> None:
    ours, theirs = tables(sparse=False), tables(sparse=False)
    adam, reference = LazyAdam({"t": ours.weight}), torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(4):
        learn(ours, torch.tensor([1, 2]))
        learn(theirs, torch.tensor([1, 2]))
        adam.step(0.01)
        reference.step()
        reference.zero_grad()
    torch.testing.assert_close(ours.weight, theirs.weight)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_table_may_learn_at_a_rate_of_its_own(sparse: bool) -> None:
    table, other, alone = tables(sparse), tables(sparse), tables(sparse)
    both = LazyAdam({"table": table.weight, "other": other.weight}, {"table": 3.0})
    single = LazyAdam({"alone": alone.weight})
    for embedding in (table, other, alone):
        learn(embedding, torch.tensor([1, 2]))
    both.step(0.01)
    single.step(0.03)
    assert torch.equal(table.weight, alone.weight)
    begin = tables(sparse).weight
    torch.testing.assert_close(3 * (other.weight - begin), alone.weight - begin)


def test_untouched_rows_keep_weight_and_moments() -> None:
    table = tables(sparse=True)
    adam = LazyAdam({"t": table.weight})
    learn(table, torch.tensor([1, 2]))
    adam.step(0.01)
    before, moments = table.weight.detach().clone(), adam.mean["t"].clone()
    learn(table, torch.tensor([2, 2]))
    adam.step(0.01)
    untouched = torch.tensor([0, 1, 3, 4, 5])
    assert torch.equal(table.weight[untouched], before[untouched])
    assert torch.equal(adam.mean["t"][untouched], moments[untouched])
    assert not torch.equal(table.weight[2], before[2])


def test_the_norm_counts_repeated_rows_once_merged() -> None:
    table = tables(sparse=True)
    adam = LazyAdam({"t": table.weight})
    table(torch.tensor([3, 3])).sum().backward()
    assert adam.gradient_norm() == (3 * 2.0**2) ** 0.5


def test_a_divisor_shrinks_dense_and_sparse_gradients_alike() -> None:
    for sparse in (True, False):
        divided, shrunk = tables(sparse), tables(sparse)
        once, other = LazyAdam({"t": divided.weight}), LazyAdam({"t": shrunk.weight})
        for _ in range(3):
            learn(divided, torch.arange(6))
            once.step(0.01, torch.tensor(4.0, dtype=torch.float64))
            learn(shrunk, torch.arange(6))
            assert shrunk.weight.grad is not None
            shrunk.weight.grad = shrunk.weight.grad / 4
            other.step(0.01)
        torch.testing.assert_close(divided.weight, shrunk.weight)
        torch.testing.assert_close(once.square["t"], other.square["t"])
        assert float(once.square["t"].max()) > 0
