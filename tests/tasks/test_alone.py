"""One at a time, over processes and machines."""

import threading
import time

import pytest
from embedded import World

from tasks import alone as lease
from tasks.alone import alone
from tasks.settings import settings

KEY = "tiny/erasing"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.6)


def test_a_second_one_waits_as_long_as_the_first_lives(world: World) -> None:
    order: list[str] = []
    entered = threading.Event()

    def first() -> None:
        with alone(KEY):
            entered.set()
            time.sleep(2)  # more than three leases: it is renewed
            order.append("first")

    holder = threading.Thread(target=first)
    holder.start()
    entered.wait(5)
    with alone(KEY):
        order.append("second")
    holder.join()
    assert order == ["first", "second"]
    assert not settings().storage.keys("tiny")


def test_a_dead_holders_lease_is_taken(world: World) -> None:
    assert settings().storage.create(KEY, b"somebody-who-died 7\n")
    with alone(KEY):
        assert not settings().storage.read(KEY).startswith(b"somebody")
    assert not settings().storage.keys("tiny")


def test_an_error_inside_lets_it_go(world: World) -> None:
    with pytest.raises(ZeroDivisionError), alone(KEY):
        _ = 1 / 0
    assert not settings().storage.keys("tiny")
