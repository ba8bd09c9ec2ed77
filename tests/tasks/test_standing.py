"""A market in one look: what an engineer is told who was woken up."""

from datetime import date

import pytest
from embedded import World

from flows.standing import show_market
from hm_pipeline.errors import HmPipelineError
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.night import Verdict
from hm_pipeline.registry.state import rollback
from tasks import ledger
from tasks.settings import settings

FIRST = date(2021, 6, 9)


def decided(seq: int, kind: str, reason: str) -> Decision:
    day = FIRST.replace(day=8 + seq)
    champion = ModelRef(kind=kind, day=day, version=seq, uri=f"model/{seq}")
    verdict = Verdict(day=day, promote=True, winner=kind, step="first", reason=reason)
    return Decision(
        seq=seq, day=day, run_digest="r", verdict=verdict, champion=champion, challenger=None,
        lists=f"lists/{seq}", code="c", data="d",
    )  # fmt: skip


def told(capsys: pytest.CaptureFixture[str]) -> str:
    show_market("tiny")
    return " ".join(capsys.readouterr().out.split())


def test_a_market_without_a_night_says_how_to_begin(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert "tiny has no night yet: hm run --market tiny" in told(capsys)
    with pytest.raises(HmPipelineError, match="tinny"):
        show_market("tinny")


def test_it_says_who_answers_what_is_shown_and_what_is_held(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.append("tiny", decided(1, "itemknn", "first champion"))
    assert "before it │ nobody │" in told(capsys)
    ledger.append("tiny", decided(2, "lstm", "better [a bound of [publish.checks]]"))
    stale = b'{"day": "2021-06-10", "ledger": 2, "stale": {"expected": "2021-06-11", "reason": "late"}}'
    settings().storage.write("tiny/latest.json", stale)
    said = told(capsys)
    for part in (
        "champion │ lstm of 2021-06-10, version 2", "before it │ itemknn of 2021-06-09, version 1; `hm rollback",
        "lists of │ 2021-06-10 (lists/2)", "readers see │ 2021-06-10, ledger entry 2",
        "stale │ 2021-06-11 was expected: late", "2021-06-09 │ first │ itemknn │ first champion",
        "better [a bound of [publish.checks]]",
    ):  # fmt: skip
        assert part in said
    ledger.append("tiny", rollback(ledger.current("tiny"), FIRST.replace(day=10), lists="lists/1"))
    said = told(capsys)
    assert "champion │ itemknn of 2021-06-09, version 1" in said
    assert "held │ lstm, 2; `hm release --market tiny`" in said
