"""Yesterday against the days before it, on logs small enough to count."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from hm_pipeline.data.drift import drift
from hm_pipeline.data.drift_report import MEASURES, Band, DriftConfig, DriftReport, Finding, markdown, words
from hm_pipeline.data.log import ARTICLE_SCHEMA, LOG_SCHEMA, USER_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.market import ContractConfig, MarketConfig

FIRST = date(2021, 6, 1)  # a Tuesday
CATEGORIES = {"a": "tops", "b": "shoes", "c": "tops", "n": "hats"}
Rows = list[tuple[str, str]]  # (user, item)
USUAL: Rows = [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "b")]


def a_log(*days: Rows, event: str = "view") -> InteractionLog:
    rows = [
        (user, item, datetime.combine(day, datetime.min.time(), UTC), day, event, None, None)
        for n, found in enumerate(days)
        for user, item in found
        for day in [FIRST + timedelta(days=n)]
    ]
    frame = pl.DataFrame(rows, schema=LOG_SCHEMA, orient="row")
    return InteractionLog.of("M", FIRST, FIRST + timedelta(days=len(days) - 1), frame)


def catalogue() -> Catalogue:
    articles = pl.DataFrame({"item_id": list(CATEGORIES), "category": list(CATEGORIES.values())})
    missing = {name: pl.lit(None, kind) for name, kind in ARTICLE_SCHEMA.items() if name not in articles}
    return Catalogue(articles.with_columns(**missing).select(list(ARTICLE_SCHEMA)), USER_SCHEMA.to_frame())


def a_market(*closed: str) -> MarketConfig:
    return MarketConfig(name="M", timezone="UTC", contract=ContractConfig(closed_days=closed))


def measured(*days: Rows, closed: tuple[str, ...] = (), **config: object) -> DriftReport:
    return drift(a_log(*days), catalogue(), a_market(*closed), DriftConfig.model_validate(config))


def of(report: DriftReport, measure: str) -> Finding:
    return next(finding for finding in report.findings if finding.measure == measure)


def test_a_day_like_the_others_is_as_usual_in_every_measure():
    report = measured(USUAL, USUAL, USUAL)
    assert [finding.measure for finding in report.findings] == list(MEASURES)
    assert [finding.value for finding in report.findings] == [4, 2, 2, 0, 0]
    assert [finding.judged for finding in report.findings] == [1, 1, 1, 0, 0]
    assert report.outside == []


def test_counts_are_judged_against_the_median_of_the_days_before():
    report = measured(USUAL, USUAL * 2, USUAL * 3, [("ann", "a")])
    volume = of(report, "volume")
    assert (volume.value, volume.usual, volume.judged) == (1, 8, 1 / 8)
    assert [finding.measure for finding in report.outside] == ["volume"], "half the users and items came"
    assert report.stopping == [], "counts are told, and stop nothing unless a market says so"


def test_two_days_of_the_same_weekday_are_the_better_yardstick():
    week = [USUAL * 2] * 6
    report = measured(USUAL, *week, USUAL, *week, USUAL)
    assert (of(report, "volume").usual, report.weekdays, report.days) == (4, 2, 14)
    assert of(measured(USUAL, *week, USUAL), "volume").usual == 8, "one weekday is none"


def test_the_category_mix_by_hand():
    # before: half tops, half shoes; the newest day: three tops of four, so |.75-.5| + |.25-.5| halved
    report = measured(USUAL, USUAL, [*USUAL[:2], ("bob", "a"), ("bob", "c")])
    mix = of(report, "category_mix")
    assert mix.value == pytest.approx(0.25)
    assert mix.usual == pytest.approx(0)


def test_a_day_before_is_compared_with_the_others_and_not_with_itself():
    tops, shoes = [("ann", "a")], [("ann", "b")]
    assert of(measured(tops, shoes, tops), "category_mix").usual == pytest.approx(1)


def test_an_item_without_a_category_has_the_empty_one():
    assert of(measured([("ann", "x")], [("ann", "y")]), "category_mix").value == 0


def test_items_of_the_day_that_no_day_before_had_are_unknown():
    report = measured(USUAL, USUAL, [("ann", "a"), ("ann", "n"), ("bob", "n"), ("bob", "m")])
    assert of(report, "unknown_items").value == pytest.approx(2 / 3)
    assert of(report, "unknown_items").usual == 0
    assert of(report, "unknown_items").stops, "2/3 is above 0.5"


def test_what_stops_a_promotion_is_configuration():
    newest = [("ann", "a")]
    assert not measured(USUAL, USUAL, newest, stops=[]).stopping
    stopped = measured(USUAL, USUAL, newest, stops=["volume"], users={"least": 0.9}).stopping
    assert [finding.measure for finding in stopped] == ["volume"]
    assert not measured(USUAL, USUAL, newest, stops=["volume"], volume={}).stopping, "no band, no bound"


def test_a_closed_day_is_not_judged_and_is_no_yardstick():
    assert measured(USUAL, USUAL, [("ann", "n")], closed=("06-03",)).outside == []
    assert of(measured(USUAL * 9, USUAL, USUAL, closed=("2021-06-01",)), "volume").usual == 4


def test_a_newest_day_without_a_row_is_nothing_of_the_usual():
    log = a_log(USUAL, USUAL, [])
    report = drift(log, catalogue(), a_market(), DriftConfig())
    assert words(of(report, "volume")).startswith("volume is 0, 0.00 times the usual 4;")
    assert words(of(report, "category_mix")) == "category mix is not known: the day has no row"
    assert {finding.measure for finding in report.outside} == set(MEASURES)
    closed = drift(log, catalogue(), a_market(str(log.last_day)), DriftConfig())
    assert closed.outside == []


def test_a_missing_day_is_missing_and_not_quiet():
    report = measured(USUAL, [], [], USUAL)
    assert (of(report, "volume").usual, report.days) == (4, 1)


def test_other_events_than_those_of_histories_do_not_count():
    log = a_log(USUAL, USUAL)
    bought = a_log([], USUAL * 5, event="purchase").frame
    both = InteractionLog.of("M", log.first_day, log.last_day, pl.concat([log.frame, bought]))
    assert of(drift(both, catalogue(), a_market(), DriftConfig()), "volume").judged == 1


def test_a_first_day_has_nothing_to_be_compared_with_and_says_so():
    report = measured(USUAL)
    assert "no day to compare it with" in words(of(report, "volume"))
    assert {finding.measure for finding in report.outside} == set(MEASURES)


def test_a_finding_is_said_with_its_figures_and_its_band():
    report = measured(USUAL, USUAL, [("ann", "n")])
    assert words(of(report, "volume")) == (
        "volume is 1, 0.25 times the usual 4; at least 0.50 and at most 2.00 is tolerated"
    )
    assert words(of(report, "category_mix")) == (
        "category mix is 1.0000 where 0.0000 is usual; at most 0.50 is tolerated"
    )
    assert "| **0.25** |" in markdown(report)
    assert "stops a promotion" in markdown(report)


def test_the_order_of_rows_changes_nothing():
    log = a_log(USUAL, USUAL, [("ann", "n"), ("bob", "a")])
    shuffled = InteractionLog.of(
        "M", log.first_day, log.last_day, log.frame.sample(fraction=1, shuffle=True, seed=1)
    )
    assert drift(shuffled, catalogue(), a_market(), DriftConfig()) == drift(
        log, catalogue(), a_market(), DriftConfig()
    )


def test_the_bounds_belong_to_the_band():
    assert Band(least=0.5, most=2).holds(0.5)
    assert Band(least=0.5, most=2).holds(2)
    assert not Band(most=2).holds(2.1)


@pytest.mark.parametrize("name", ["null", "day", "rows"])
def test_a_category_may_be_called_anything(name: str, monkeypatch: pytest.MonkeyPatch):
    plain = of(measured(USUAL, [*USUAL, ("ann", "unknown")], USUAL), "category_mix")
    monkeypatch.setitem(CATEGORIES, "b", name)
    named = of(measured(USUAL, [*USUAL, ("ann", "unknown")], USUAL), "category_mix")
    assert (named.value, named.usual) == (plain.value, plain.usual)
