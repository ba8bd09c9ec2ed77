"""The one commit of a night: never past what it did not know, and the pointer after it."""

from datetime import date
from typing import Any

import pytest
from embedded import World

from hm_pipeline.config import load
from hm_pipeline.errors import ConflictError
from hm_pipeline.registry.ledger import Erasure, ModelRef, Release
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.state import State
from tasks import ledger, register
from tasks.commit import commit, move_latest, publish
from tasks.office import entered_verdict
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored

DAY = date(2021, 6, 9)
SAMPLES: Stored[Any] = Stored(prefix="tiny/2021-06-09/samples/a", facts={"digest": "d"})


def a_run(day: date = DAY, redo: bool = False) -> Run:
    return Run(config=load(settings().config, "tiny"), day=day, inputs="abc", redo=redo)


def decide(run: Run, seen: int, version: int = 1, lists: str = "lists/1") -> Any:
    """A night that promotes itemknn."""
    verdict = Verdict(
        day=run.day, promote=True, winner="itemknn", step="first", reason="best", challenger="itemknn"
    )
    digest = f"{'night' if run.day == DAY else run.day}/itemknn"
    ref = ModelRef(kind="itemknn", day=run.day, version=version, uri="model/1", run_digest=digest)
    return commit.fn(run, seen, SAMPLES, verdict, {"itemknn": ref}, Stored(prefix=lists))


def test_whoever_comes_second_gets_the_decision_that_stands(world: World):
    first = decide(a_run(), 0)
    assert decide(a_run(), 0, version=2) == first
    assert len(ledger.entries("tiny")) == 1


def test_a_verdict_that_did_not_know_of_a_release_is_not_entered(world: World):
    decide(a_run(), 0)
    ledger.append("tiny", Release(seq=2, day=DAY, kinds=frozenset({"aals"})))
    with pytest.raises(ConflictError, match="ledger entry 2"):
        decide(a_run(date(2021, 6, 10)), 1)
    assert decide(a_run(date(2021, 6, 10)), 2).seq == 3


def test_an_erasure_meanwhile_is_no_reason_to_begin_again(world: World):
    decide(a_run(), 0)
    ledger.append("tiny", Erasure(seq=2, day=DAY, users=("ab",)))
    assert decide(a_run(date(2021, 6, 10)), 1).seq == 3


def test_a_day_is_decided_again_only_where_somebody_asks(world: World):
    decide(a_run(), 0)
    assert decide(a_run(redo=True), 1, version=2).champion.version == 2
    assert ledger.current("tiny").champion.version == 2


def test_a_run_that_is_repaired_keeps_its_verdict_though_a_newer_day_was_decided_since(world: World):
    decide(a_run(), 0)
    decide(a_run(date(2021, 6, 10)), 1, version=2)
    told = entered_verdict(a_run())
    assert told is not None
    assert told.promoted == "itemknn"
    assert entered_verdict(a_run(redo=True)) is None
    assert entered_verdict(a_run().model_copy(update={"inputs": "other files"})) is None
    assert entered_verdict(a_run(date(2021, 6, 11))) is None


def test_the_winner_is_not_its_own_challenger(world: World):
    assert decide(a_run(), 0).challenger is None


def test_the_pointer_follows_the_ledger_and_never_goes_back(world: World):
    decide(a_run(), 0)
    early = ledger.current("tiny")
    decide(a_run(date(2021, 6, 10)), 1, version=2, lists="lists/2")
    move_latest("tiny", ledger.current("tiny"))
    assert world.latest("tiny")["manifest"] == "lists/2/manifest.json"
    move_latest("tiny", early)
    assert world.latest("tiny")["manifest"] == "lists/2/manifest.json"


def test_versions_of_a_verdict_that_was_overtaken_are_taken_back_but_never_the_champions_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[int, Verdict] = {}
    monkeypatch.setattr(
        register, "withdraw", lambda run, fits, scores, said, ref: taken.update({ref.version: said})
    )
    stands = decide(a_run(), 0)
    ours = Verdict(day=DAY, promote=True, winner="lstm", step="first", reason="first champion.")
    digests = {1: "night/itemknn", 2: "night/itemknn", 3: "night/lstm"}  # 2: the same model, registered twice
    promised = {
        version: (ModelRef(kind="lstm", day=DAY, version=version, uri="m", run_digest=digest), ours)
        for version, digest in digests.items()
    }
    register.withdraw_overtaken(a_run(), {}, {}, promised, stands)
    assert list(taken) == [3]
    assert taken[3].promoted is None
    assert taken[3].reason == "first champion. But ledger entry 1 decided the day otherwise: best"


def test_aliases_set_by_an_entry_that_was_overtaken_are_set_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(a_run(), 0)
    aligned: list[int] = []

    def slowly(client: object, name: str, now: State) -> list[str]:
        aligned.append(now.seq)
        if now.seq == 1:
            decide(a_run(date(2021, 6, 10)), 1, version=2)
        return []

    monkeypatch.setattr(register.tracking, "client", lambda: None)
    monkeypatch.setattr(register.registry, "align_aliases", slowly)
    assert publish.fn("tiny").seq == 2
    assert aligned == [1, 2]
