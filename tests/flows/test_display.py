"""What a terminal shows of a night: whole at any width."""

from datetime import date

import pytest
from rich.console import Console

from flows import display
from hm_pipeline.evaluation.table import Cell, Row, Table
from hm_pipeline.report.outcome import Outcome

MODELS = ("popularity", "repeat", "itemknn", "als", "aals", "lstm", "champion")
METRICS = ("hr", "precision", "ndcg", "mrr", "coverage", "overlap", "personalization", "novelty")


def a_row(metric: str) -> Row:
    texts = [f"{10 + place}.25% ±2.05" for place in range(len(MODELS))]
    return Row(metric=metric, cells=tuple(Cell(text=text, best=text.startswith("16")) for text in texts))


OUTCOME = Outcome(
    market="demo",
    day=date(2017, 9, 14),
    profile="small",
    users_asked=320,
    verdict="Nobody was promoted.",
    ledger_entry=2,
    champion=None,
    table=Table(
        models=MODELS,
        rows=(
            *(a_row(metric) for metric in METRICS),
            a_row("empty_lists"),
            *(a_row(f"{metric}_category") for metric in METRICS),
            *(a_row(f"{metric}_colour") for metric in METRICS),
            a_row("seconds"),
            a_row("peak MB"),
        ),
        attributes=("category",),
    ),
    prices={"lstm": 0.5},
    currency="USD",
    lists="root/demo/lists",
    published_hr=0.175,
    page="root/demo/report.html",
    notes=("an undated snapshot",),
    reused=True,
)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_figure_is_cut_off(width: int, monkeypatch: pytest.MonkeyPatch):
    console = Console(width=width, record=True, highlight=False, force_terminal=False)
    monkeypatch.setattr(display, "console", console)
    display.tell(OUTCOME)
    said = console.export_text()
    assert "…" not in said
    assert (
        said.count("16.25") == 2 * len(METRICS) + 3
    )  # the champion's, of items and of categories, and costs
    for line in (
        "Nobody was promoted.",
        "17.5%",
        "0.5000 USD",
        "root/demo/lists",
        "root/demo/report.html",
        "an undated snapshot",
    ):
        assert line in said
    assert "Nothing was recomputed" in said


def test_an_attribute_that_the_catalogue_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch):
    console = Console(width=100, record=True, highlight=False)
    monkeypatch.setattr(display, "console", console)
    display.tell(OUTCOME)
    said = console.export_text()
    assert "by category" in said
    assert "by colour" not in said
