"""A model fitted by two processes that torchrun starts, and what is heard of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from markov_shoppers import markov_samples

from hm_pipeline.errors import ModelError
from hm_pipeline.models.release import Release
from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.progress import Step
from hm_pipeline.training.config import TrainingConfig
from tasks.job import Job
from tasks.settings import settings
from tasks.torchrun import fit_by_ranks

SAMPLES = markov_samples(users=40, items=30, seed=5)


@pytest.fixture(autouse=True)
def own_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HM_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings.cache_clear()
    yield
    settings.cache_clear()


def job_of(folder: Path, **training: object) -> Job:
    SAMPLES.save(folder / "samples")
    config = GruConfig(
        user_embedding=4,
        item_embedding=8,
        layers=1,
        hidden=8,
        state_dim=8,
        training=TrainingConfig(**({"max_epochs": 1, "batch_targets": 128} | training)),  # type: ignore[arg-type]
    )
    return Job(
        config=config,
        samples=folder / "samples",
        release=folder / "release",
        checkpoints=folder / "checkpoints",
        k=3,
    )


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    told: list[Step] = []
    job = job_of(tmp_path)
    together = fit_by_ranks(job, 2, told.append)
    holdout = SAMPLES.holdouts["test"]
    model = Release.load(job.release).model
    alone = job.model_copy(update={"release": tmp_path / "alone", "checkpoints": tmp_path / "other"})
    expected = alone.fit(lambda _: None).report
    assert [e.loss for e in together.report.epochs] == pytest.approx(
        [e.loss for e in expected.epochs], rel=1e-4
    )
    assert (told[-1].done, told[-1].total, told[-1].stage) == (SAMPLES.targets, SAMPLES.targets, "train gru")
    assert len(told) == together.report.epochs[-1].step, "each step is told once"
    assert isinstance(model, SequencerRecommender)
    assert model.hit_rate(holdout, 3) > 0
    assert together.peak_mb > 100, "two processes with torch"


def test_what_failed_first_is_named(tmp_path: Path) -> None:
    job = job_of(tmp_path, max_lr=1e30, start_divisor=1.0, clip_norm=None)
    with pytest.raises(
        ModelError, match=r"gru on 2 processes failed:(.|\n)*DivergedError(.|\n)*lower training"
    ):
        fit_by_ranks(job, 2, lambda _: None)
    assert not job.release.exists()
