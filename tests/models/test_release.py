"""A release on disk: the same after loading, and able to forget."""

from pathlib import Path

import numpy as np
import pytest
from markov_shoppers import markov_samples

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ModelError
from hm_pipeline.models.als_config import AlsConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.release import Release, forget, forget_all, without_users

CONFIG = AlsConfig(factors=4, iterations=3, fold_in=False)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return markov_samples(users=20, items=12)


@pytest.fixture
def folder(samples: Samples, tmp_path: Path) -> Path:
    Release(CONFIG, fit(CONFIG, samples).model, samples.items, samples.users).save(tmp_path / "release")
    return tmp_path / "release"


def test_a_loaded_release_is_what_was_saved(folder: Path, samples: Samples) -> None:
    release = Release.load(folder)
    assert release.config == CONFIG
    assert (release.items.digest, release.users.digest) == (samples.items.digest, samples.users.digest)


def test_forgetting_leaves_a_grave_and_a_row_of_zeros(folder: Path, samples: Samples) -> None:
    gone = samples.users.ids[3]
    before = np.load(folder / "model/user_rows.npy")
    assert forget(folder, [gone, "never seen"]) == 1
    after = np.load(folder / "model/user_rows.npy")
    assert not after[3].any()
    np.testing.assert_array_equal(np.delete(after, 3, axis=0), np.delete(before, 3, axis=0))
    users = Release.load(folder).users
    assert users.ids[3] is None
    assert users.encode(samples.users.ids).tolist() == [*range(1, 4), 0, *range(5, len(users))]
    assert not any(gone.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_forgetting_twice_finds_nobody(folder: Path, samples: Samples) -> None:
    forget(folder, [samples.users.ids[0]])
    assert forget(folder, [samples.users.ids[0]]) == 0


def test_a_loser_is_kept_without_its_users(folder: Path, samples: Samples) -> None:
    without_users(folder)
    without_users(folder)
    release = Release.load(folder)
    assert len(release.users) == 1
    assert forget(folder, [samples.users.ids[0]]) == 0
    asked = samples.holdouts["test"].histories
    assert (release.model.recommend(asked, 5).items > 0).all()


def test_a_folder_without_a_release_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no release"):
        Release.load(tmp_path)


def test_a_kind_of_another_version_is_named(folder: Path) -> None:
    (folder / "config.json").write_text('{"kind": "oracle"}')
    with pytest.raises(ModelError, match="no model configuration of this version"):
        Release.load(folder)


def test_everybody_can_be_forgotten_at_once(folder: Path, samples: Samples) -> None:
    assert forget_all(folder) == len(samples.users) - 1
    assert Release.load(folder).users.ids.null_count() == len(samples.users) - 1
    assert not np.load(folder / "model" / "user_rows.npy").any()
    assert forget_all(folder) == 0
