"""The losses against their definitions."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.nn import functional

from hm_pipeline.training.config import (
    CPU_CHUNK,
    GPU_CHUNK,
    ChosenSoftmax,
    FullSoftmax,
    SampledSoftmax,
    chosen,
)
from hm_pipeline.training.losses import Objective, full_softmax, sampled_softmax

T, D, V = 37, 5, 23


@dataclass
class Table:
    """Item vectors as they are."""

    vectors: torch.Tensor
    item_bias: torch.Tensor

    def vectors_of(self, rows_R: torch.Tensor) -> torch.Tensor:
        return functional.embedding(rows_R, self.vectors, sparse=True)


@pytest.fixture
def parts() -> tuple[torch.Tensor, ...]:
    chance = torch.Generator().manual_seed(3)
    queries = torch.randn(T, D, generator=chance, dtype=torch.float64, requires_grad=True)
    vectors = torch.randn(V, D, generator=chance, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(V, 1, generator=chance, dtype=torch.float64, requires_grad=True)
    return queries, vectors, bias, torch.randint(1, V, (T, 1), generator=chance)


@pytest.mark.parametrize("chunk_elements", [1, 100, 10_000])
def test_chunks_equal_the_plain_cross_entropy(parts: tuple[torch.Tensor, ...], chunk_elements: int) -> None:
    queries, vectors, bias, targets = parts
    plain = functional.cross_entropy(queries @ vectors[1:].T + bias[1:, 0], targets[:, 0] - 1)
    expected = torch.autograd.grad(plain, (queries, vectors, bias))
    chunked = full_softmax(queries, vectors, bias, targets, chunk_elements)
    found = torch.autograd.grad(chunked * 1.0, (queries, vectors, bias))
    torch.testing.assert_close(chunked, plain)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("chunk_elements", [100, 10_000])
def test_smoothing_is_torchs_label_smoothing(parts: tuple[torch.Tensor, ...], chunk_elements: int) -> None:
    queries, vectors, bias, targets = parts
    logits = queries @ vectors[1:].T + bias[1:, 0]
    plain = functional.cross_entropy(logits, targets[:, 0] - 1, label_smoothing=0.1)
    expected = torch.autograd.grad(plain, (queries, vectors, bias))
    smoothed = full_softmax(queries, vectors, bias, targets, chunk_elements, label_smoothing=0.1)
    found = torch.autograd.grad(smoothed, (queries, vectors, bias))
    torch.testing.assert_close(smoothed, plain)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_sampled_smoothing_comes_near_that_of_the_full_softmax(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    counts = np.full(V, 7, dtype=np.int64)
    sampled = Objective.of(SampledSoftmax(negatives=200_000, alpha=0.0, label_smoothing=0.2), counts)
    full = Objective.of(FullSoftmax(label_smoothing=0.2), counts)
    items = Table(vectors, bias)
    assert sampled(queries, items, targets, (1,)).item() == pytest.approx(
        full(queries, items, targets, (1,)).item(), rel=0.01
    )


def test_several_targets_by_hand_against_drawn_negatives(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, _ = parts
    score = (queries @ vectors.T + bias[:, 0])[:1]
    log_expected = torch.tensor([0.3, 0.4, 0.5], dtype=torch.float64)
    loss = sampled_softmax(
        queries[:1],
        Table(vectors, bias),
        torch.tensor([[4, 9]]),
        negatives_S=torch.tensor([9, 2, 7]),
        log_expected_S=log_expected,
    )
    others = torch.exp(score[0, [2, 7]] - log_expected[1:]).sum()
    each = torch.log(torch.exp(score[0, [4, 9]]) + others) - score[0, [4, 9]]
    torch.testing.assert_close(loss, (2 * each[0] + each[1]) / 3)


def test_the_loss_is_chosen_by_vocabulary_and_device() -> None:
    auto = ChosenSoftmax(full_up_to=100, full_up_to_on_gpu=1000, negatives=7, label_smoothing=0.1)
    assert chosen(auto, 100, on_gpu=False) == FullSoftmax(chunk_elements=CPU_CHUNK, label_smoothing=0.1)
    assert chosen(auto, 101, on_gpu=False) == SampledSoftmax(negatives=7, label_smoothing=0.1)
    assert chosen(auto, 1000, on_gpu=True) == FullSoftmax(chunk_elements=GPU_CHUNK, label_smoothing=0.1)
    assert chosen(SampledSoftmax(), 5, on_gpu=True) == SampledSoftmax()
    assert chosen(FullSoftmax(), 5, on_gpu=True) == FullSoftmax(chunk_elements=GPU_CHUNK)
    assert chosen(FullSoftmax(chunk_elements=9), 5, on_gpu=True) == FullSoftmax(chunk_elements=9)
    assert chosen(auto, 101, on_gpu=False, full=True) == chosen(auto, 100, on_gpu=False), "as before"
    assert chosen(auto, 100, on_gpu=False, full=False) == chosen(auto, 101, on_gpu=False)


def test_rows_beyond_the_vocabulary_stand_in_no_softmax(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    with_start = torch.cat([vectors.detach(), torch.full((1, D), 9.0, dtype=torch.float64)])
    torch.testing.assert_close(
        full_softmax(queries, with_start, bias, targets), full_softmax(queries, vectors, bias, targets)
    )


def ahead(targets: torch.Tensor) -> torch.Tensor:
    """Three targets a position, some positions with fewer."""
    later = torch.stack([targets[:, 0] % (V - 1) + 1, (targets[:, 0] + 5) % (V - 1) + 1], dim=1)
    later[::3, 1] = 0
    later[::6] = 0
    return torch.cat([targets, later], dim=1)


def test_several_targets_are_a_cross_entropy_with_soft_targets(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    several = ahead(targets)
    soft = torch.zeros(T, V, dtype=torch.float64)
    for row, items in enumerate(several.tolist()):
        known = [(item, 1 / (d + 1)) for d, item in enumerate(items) if item]
        for item, weight in known:
            soft[row, item] += weight / sum(w for _, w in known)
    plain = functional.cross_entropy(queries @ vectors[1:].T + bias[1:, 0], soft[:, 1:])
    expected = torch.autograd.grad(plain, (queries, vectors, bias))
    chunked = full_softmax(queries, vectors, bias, several, 100)
    torch.testing.assert_close(chunked, plain)
    for a, b in zip(torch.autograd.grad(chunked, (queries, vectors, bias)), expected, strict=True):
        torch.testing.assert_close(a, b)


def test_many_negatives_come_near_the_full_softmax(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    counts = np.arange(V, dtype=np.int64)[::-1].copy() + 1
    objective = Objective.of(SampledSoftmax(negatives=200_000, alpha=0.75), counts)
    loss = objective(queries, Table(vectors, bias), targets, (1, 2, 3))
    assert loss.item() == pytest.approx(full_softmax(queries, vectors, bias, targets).item(), rel=0.01)
    assert loss.item() == objective(queries, Table(vectors, bias), targets, (1, 2, 3)).item()
    assert loss.item() != objective(queries, Table(vectors, bias), targets, (1, 2, 4)).item()


def test_a_target_is_not_its_own_negative(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    negatives = targets[0]
    loss = sampled_softmax(
        queries[:1], Table(vectors, bias), targets[:1], negatives_S=negatives, log_expected_S=torch.zeros(1)
    )
    assert loss.item() == 0.0


def test_sampling_touches_only_the_rows_it_drew(parts: tuple[torch.Tensor, ...]) -> None:
    queries, vectors, bias, targets = parts
    negatives = torch.tensor([2, 2, 5])
    sampled_softmax(
        queries, Table(vectors, bias), targets, negatives_S=negatives, log_expected_S=torch.zeros(3)
    ).backward()
    assert vectors.grad is not None
    assert vectors.grad.is_sparse
    assert set(vectors.grad.coalesce().indices()[0].tolist()) == {2, 5, *targets[:, 0].tolist()}
