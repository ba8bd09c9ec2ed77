"""What is different on a GPU, and what is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from markov_shoppers import markov_samples

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import DivergedError
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.bodies.recurrent import Recurrent
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.sequencer import fit_sequencer
from hm_pipeline.models.sequencer_config import GruConfig, TransformerConfig
from hm_pipeline.training import loop
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax, TrainingConfig
from hm_pipeline.training.device import device_here, half_precision

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
each_loss = pytest.mark.parametrize(
    "loss", [FullSoftmax(), SampledSoftmax(negatives=16)], ids=["full", "sampled"]
)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=60, items=30, seed=5)


def training(loss: LossConfig = SampledSoftmax(negatives=16), **changes: object) -> TrainingConfig:  # noqa: B008
    chosen = {"batch_targets": 96, "max_lr": 1e-2, "cycle_epochs": 2, "max_epochs": 2, "loss": loss}
    return TrainingConfig(**(chosen | changes))  # type: ignore[arg-type]


def gru(how: TrainingConfig) -> GruConfig:
    return GruConfig(
        user_embedding=4, item_embedding=8, layers=2, hidden=16, state_dim=8, layer_dropout=0.2, training=how
    )


def losses(config: GruConfig | TransformerConfig, samples: Samples) -> list[float]:
    return [epoch.loss for epoch in fit_sequencer(config, samples, FitContext(k=3)).report.epochs]


def every(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Read losses as seldom as on a GPU."""
    real: Callable[..., None] = loop._Run.__init__

    def seldom(self: loop._Run, *args: object) -> None:
        real(self, *args)
        self.every = self.watch.every = steps

    monkeypatch.setattr(loop._Run, "__init__", seldom)


@each_loss
def test_reading_losses_seldom_changes_no_result(
    samples: Samples, monkeypatch: pytest.MonkeyPatch, loss: LossConfig
) -> None:
    at_once = fit_sequencer(gru(training(loss)), samples, FitContext(k=3))
    every(monkeypatch, 7)
    seldom = fit_sequencer(gru(training(loss)), samples, FitContext(k=3))
    assert seldom.report == at_once.report


def test_divergence_that_is_read_late_is_named(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    every(monkeypatch, 1000)
    with pytest.raises(DivergedError, match=r"at step \d+ .*lower training\.max_lr"):
        fit_sequencer(gru(training(max_lr=1e30, start_divisor=1.0, clip_norm=None)), samples)


def test_a_body_that_torch_compiled_learns_the_same(samples: Samples) -> None:
    sizes = {
        "user_embedding": 4,
        "item_embedding": 8,
        "blocks": 1,
        "heads": 2,
        "feed_forward": 16,
        "head": (),
    }
    plain = TransformerConfig(**sizes, block_dropout=0.1, training=training(max_epochs=1))  # type: ignore[arg-type]
    compiled = plain.model_copy(update={"training": training(max_epochs=1, compile=True)})
    unjudged = replace(samples, holdouts={})  # a body that answers would be compiled a second time
    np.testing.assert_allclose(losses(compiled, unjudged), losses(plain, unjudged), rtol=1e-4)


def test_dropout_is_a_function_of_its_seed() -> None:
    x = torch.ones(100, 100)
    once, again, other = (Noise(seed)(x, 0.25) for seed in ((1, 2, 3), (1, 2, 3), (1, 2, 4)))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert 0.2 < float((once == 0).float().mean()) < 0.3
    assert float(once.max()) == pytest.approx(4 / 3)
    assert torch.equal(Noise()(x, 0.25), x)


def test_a_cpu_computes_in_full_precision() -> None:
    with half_precision(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_recurrent_layers_are_never_in_half_precision(cell: Literal["rnn", "lstm", "gru"]) -> None:
    body = Recurrent(cell, width=4, hidden=3, layers=2, dropout=0.0)
    with torch.autocast("cpu", torch.bfloat16):
        states = body(torch.ones(2, 5, 4, dtype=torch.bfloat16), Noise())
    assert states.dtype == torch.float32


@on_gpu
@each_loss
def test_a_gpu_learns_what_a_cpu_learns(
    samples: Samples, monkeypatch: pytest.MonkeyPatch, loss: LossConfig
) -> None:
    config = gru(training(loss)).model_copy(update={"layer_dropout": 0.0})
    there = losses(config, samples)
    monkeypatch.setattr("hm_pipeline.models.sequencer.device_here", lambda: torch.device("cpu"))
    np.testing.assert_allclose(there, losses(config, samples), rtol=2e-2)


@on_gpu
def test_a_gpu_multiplies_in_half_precision_and_drops_by_seed() -> None:
    device = device_here()
    x = torch.ones(64, 64, device=device)
    with half_precision(device):
        assert (x @ x).dtype == torch.bfloat16
    assert torch.equal(Noise((1, 2))(x, 0.5), Noise((1, 2))(x, 0.5))
