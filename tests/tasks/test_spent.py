"""A fit that is taken up again goes on counting its time."""

from pathlib import Path

from markov_shoppers import markov_samples

from hm_pipeline.models.sequencer_config import GruConfig
from hm_pipeline.progress import silent
from hm_pipeline.training.config import TrainingConfig
from tasks.job import Job
from tasks.spent import spent_before


def test_what_was_begun_by_nobody_has_taken_no_time(tmp_path: Path) -> None:
    assert spent_before(tmp_path) == 0


def test_a_fit_notes_at_its_checkpoints_what_it_has_taken_in_all(tmp_path: Path) -> None:
    samples = markov_samples(users=20, items=10, seed=1)
    samples.save(tmp_path / "samples")
    config = GruConfig(
        user_embedding="none", item_embedding=4, layers=1, hidden=4, state_dim=4,
        training=TrainingConfig(max_epochs=1),
    )  # fmt: skip
    job = Job(
        config=config, samples=tmp_path / "samples", release=tmp_path / "release",
        checkpoints=tmp_path / "checkpoints", k=3, spent=3600.0,
    )  # fmt: skip
    job.fit(silent)
    assert 3600 <= spent_before(tmp_path / "checkpoints") < 3660
