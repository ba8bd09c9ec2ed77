"""A small market, settled, for every task."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.settle()
    with world.entered():
        yield world
