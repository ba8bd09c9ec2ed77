"""A fit that an erase list overtakes is not stored."""

from typing import Any

import pytest
from answering import a_run, store
from embedded import World

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ConflictError
from hm_pipeline.registry.card import Learned
from hm_pipeline.storage import find
from tasks import train
from tasks.order import Order
from tasks.settings import settings


@pytest.fixture
def order(samples: Samples) -> Order:
    facts = {"digest": samples.digest, **dict.fromkeys(Learned.model_fields, 1)}
    return Order(run=a_run(), samples=store("samples", samples.save, **facts), kind="popularity")


def test_who_asks_to_be_forgotten_during_a_fit_is_in_no_model(
    world: World, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world.raw / "erase" / "market=tiny" / "2021.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("u0001\n")
    fit, begun = train._by_so_many, list[int]()

    def meanwhile(*given: Any) -> Any:
        begun.append(1)
        if len(begun) == 1:
            listed.write_text("u0001\nu0002\n")
        return fit(*given)

    monkeypatch.setattr(train, "_by_so_many", meanwhile)
    with pytest.raises(ConflictError, match="somebody asked to be forgotten while it was fitted"):
        train.train.fn(order)
    assert find(settings().storage, order.address) is None
    assert train.train.fn(order).prefix == order.address, "the list is older than this fit"
    assert len(begun) == 2
