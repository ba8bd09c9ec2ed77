"""Whose champions are asked again, and what is shown of a stage's cost."""

from datetime import date, timedelta

from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.report.markdown import stages_markdown
from hm_pipeline.report.outcome import StageCost
from tasks.longevity import NIGHTS, champions
from tasks.stage import Stored
from tasks.watched import stage_costs

DAY = date(2021, 6, 30)


def decided(back: int, uri: str | None) -> tuple[date, Decision]:
    day = DAY - timedelta(days=back)
    verdict = Verdict(day=day, promote=uri is not None, winner=None, step="stays", reason="")
    ref = None if uri is None else ModelRef(kind="lstm", day=day, version=back, uri=uri)
    return day, Decision(seq=1, day=day, run_digest="d", verdict=verdict, champion=ref)


def test_the_promoted_of_the_fortnight_are_asked_the_newest_first():
    decisions = dict(decided(back, f"model/{back}") for back in range(1, 20))
    assert [ref.version for ref in champions(decisions, DAY)] == list(range(1, NIGHTS + 1))


def test_nights_without_a_promotion_and_the_day_itself_ask_nobody():
    decisions = dict([decided(0, "model/0"), decided(1, None), decided(2, "model/2")])
    assert [ref.uri for ref in champions(decisions, DAY)] == ["model/2"]


def test_a_release_is_asked_once():
    assert len(champions(dict([decided(1, "same"), decided(2, "same")]), DAY)) == 1


def test_what_a_stage_cost_is_told_once_with_its_price_and_whether_it_lay_there():
    fit = Stored(prefix="m/model/a", facts={"took": {"title": "train lstm", "seconds": 2.5}, "price": 0.25})
    old = Stored(prefix="m/extract/a", facts={"took": {"title": "extract", "seconds": 1.0}}, reused=True)
    costs = stage_costs([old, fit, None, fit, Stored(prefix="m/extract/b")])
    assert costs == (
        StageCost(stage="extract", seconds=1, reused=True),
        StageCost(stage="train lstm", seconds=2.5, price=0.25),
    )
    told = stages_markdown(costs, "USD")
    assert "| train lstm | 2.5 | 0.2500 |  |" in told
    assert "| extract | 1.0 |  | lay there |" in told
    assert "2.5 s in this run." in told
