"""Two nights of the tiny market that nobody disturbed, shared by all tests of the flow."""

import shutil
from collections.abc import Iterator

import pytest
from embedded import Place
from killing import night
from left import Unkilled, seen
from tiny_market import NIGHTS


@pytest.fixture(scope="session")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unkilled]:
    """Worlds to go back to: `bare` (raw data only), `eve` (one night), `tonight` (two)."""
    place = Place(tmp_path_factory.mktemp("nights"))
    place.world.settle()
    place.keep("bare")
    assert not night(place.world, NIGHTS[0])
    eve = seen(place.world)
    place.keep("eve")
    assert not night(place.world, NIGHTS[1])
    place.keep("tonight")
    yield Unkilled(place, eve, seen(place.world))
    shutil.rmtree(place.folder)
