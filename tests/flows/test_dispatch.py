"""Fits in one process: one that fails stops no other."""

from types import SimpleNamespace
from typing import Any

import pytest

from flows import dispatch
from hm_pipeline.errors import DispatchError, DivergedError


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
