"""Fits in one process: one that fails stops no other. On the pools: a server that is away is waited for."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from flows import dispatch
from hm_pipeline.errors import DamagedError, DispatchError, DivergedError, StorageError


def order(name: str) -> Any:
    return SimpleNamespace(address=name, title=f"train {name}")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was begun; nets diverge."""
    begun: list[str] = []

    def train(wanted: Any) -> str:
        begun.append(wanted.address)
        if wanted.address != "als":
            raise DivergedError(f"{wanted.address} diverged")
        return f"a fitted {wanted.address}"

    monkeypatch.setattr(dispatch, "train", train)
    monkeypatch.setattr(dispatch, "settings", lambda: SimpleNamespace(dispatch="here"))
    return begun


def test_a_single_failure_is_told_as_it_is_when_all_others_are_there(trained: list[str]) -> None:
    with pytest.raises(DivergedError, match="lstm diverged"):
        dispatch.fitted([order("lstm"), order("als")])
    assert trained == ["lstm", "als"]


def test_several_are_named_together(trained: list[str]) -> None:
    with pytest.raises(
        DispatchError,
        match=r"2 of 3 did not come:\ntrain lstm \(lstm\): DivergedError: lstm diverged\ntrain gru",
    ):
        dispatch.fitted([order("lstm"), order("als"), order("gru")])
    assert trained == ["lstm", "als", "gru"]


def test_what_is_ordered_twice_is_fitted_once(trained: list[str]) -> None:
    assert dispatch.fitted([order("als"), order("als")]) == ["a fitted als"] * 2
    assert trained == ["als"]


class Away:
    """A server that fails so many times, with these errors in turn, before it answers; sleeping takes no time."""

    def __init__(self, times: float, *errors: httpx.HTTPError) -> None:
        self.times, self.errors, self.now, self.asked = times, errors, 0.0, 0

    def ask(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self.errors[self.asked % len(self.errors)]
        return "an answer"

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def status(code: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError(str(code), request=httpx.Request("GET", "/"), response=httpx.Response(code))


def test_a_server_that_restarts_is_asked_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Away(
        7, status(503), httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), StorageError("503")
    )
    monkeypatch.setattr(dispatch, "time", server)
    assert dispatch._patiently(server.ask) == "an answer"
    assert (server.asked, server.now) == (8, 7 * dispatch.POLL_SECONDS)


def test_one_that_stays_away_is_given_up_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    server, patience = Away(float("inf"), httpx.ConnectError("refused")), dispatch.SERVER_AWAY.total_seconds()
    monkeypatch.setattr(dispatch, "time", server)
    with pytest.raises(httpx.ConnectError, match="refused"):
        dispatch._patiently(server.ask)
    assert patience < server.now <= patience + dispatch.POLL_SECONDS


@pytest.mark.parametrize("error", [status(422), DamagedError("422 bytes")], ids=["server", "storage"])
def test_a_request_that_was_wrong_is_asked_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    server = Away(float("inf"), error)
    monkeypatch.setattr(dispatch, "time", server)
    with pytest.raises(type(error), match="422"):
        dispatch._patiently(server.ask)
    assert server.asked == 1
