"""A small market, settled, for every task."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import DAY, store
from embedded import World
from markov_shoppers import markov_samples

from hm_pipeline.data.log import Catalogue
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from tasks.stage import Stored


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.settle()
    with world.entered():
        yield world


@pytest.fixture
def samples(world: World) -> Samples:
    return markov_samples(users=120, items=60, predictability=0.3, seed=2, protocol="next_day", day=DAY)


@pytest.fixture
def stored_samples(samples: Samples) -> Stored[Samples]:
    log = store("extract", lambda folder: Catalogue.empty().save(folder / "catalogue"))
    facts = {"log": log.prefix, "digest": samples.digest, "users": len(samples.users) - 1}
    return store("samples", samples.save, **facts)


@pytest.fixture
def release(samples: Samples) -> Stored[Release]:
    """The model that recommends what was seen, if it may."""
    return store(
        "train", Release(RepeatConfig(), Repeat(len(samples.items)), samples.items, samples.users).save
    )
