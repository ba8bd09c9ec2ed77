"""The page of a night: whole by itself, escaped, and told to whoever has never seen a metric."""

from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hm_pipeline.data.drift_report import Band, DriftReport, Finding
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Holdout, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.evaluate import METRICS, Evaluation, evaluate
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.evaluation.paired import Difference
from hm_pipeline.evaluation.table import Cost, comparison
from hm_pipeline.models.fitting import EpochReport
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.report.drawings import Drawings, Sources, drawings
from hm_pipeline.report.html import html_page, templates_digest
from hm_pipeline.report.metrics import METRIC_WORDS
from hm_pipeline.report.outcome import Outcome, StageCost

DAY = date(2021, 6, 9)
HOSTILE = "</text></svg><script>alert('hats & <b>caps</b>')</script>"
CHAMPION = ModelRef(kind="lstm", day=DAY, version=8, uri="tiny/model")
GOOD, POOR = [[1, 2], [2, 1], [1, 3], [4]], [[4, 3], [4, 3], [1, 3], []]


def evaluation(lists: list[list[int]], values: tuple[str, ...] = ("", HOSTILE, "hats")) -> Evaluation:
    codes = np.array([0, 1, 2, 1, 0], np.int32) % len(values)
    samples = Samples(
        market="tiny",
        protocol="next_day",
        first_day="2021-06-01",
        last_day="2021-06-08",
        items=Vocabulary.of("1234"),
        users=Vocabulary.of([]),
        train=Histories.of([]),
        counts=np.array([0, 40, 3, 2, 1]),
        sales=None,
        attributes={"category": Attribute(values, codes)},
        holdouts={},
        values={"price": np.array([np.nan, 10, 20, np.nan, 40])},
    )
    targets = np.array([1, 2, 3, 4], np.int32)
    asked = Holdout(Histories.of([[]] * 4), targets, {"category": codes[targets]})
    items = np.array([row + [-1] * (2 - len(row)) for row in lists], np.int32)
    shown = Recommendations(items, np.where(items > 0, 0, -np.inf).astype(np.float32))
    return evaluate(shown, asked, samples, k=2)


def a_night(gate: dict[str, Evaluation], **others: object) -> Outcome:
    told: dict[str, object] = {
        "market": "tiny",
        "day": DAY,
        "profile": "small",
        "users_asked": 4,
        "places": 2,
        "verdict": f"lstm beats {HOSTILE}.",
        "ledger_entry": 3,
        "champion": CHAMPION,
        "hit_ratios": {model: e.metrics["hr"].mean for model, e in gate.items()},
        "table": comparison(gate, {"lstm": Cost(seconds=12.5, peak_mb=900)}),
        "prices": {"lstm": 0.5},
        "currency": "USD",
        "lists": f"root/{HOSTILE}",
        "published_hr": 0.175,
        "notes": (f"unread: {HOSTILE}",),
    }
    return Outcome.model_validate(told | others)


def drawn(gate: dict[str, Evaluation], folder: Path, of: str = "lstm", *, long_ago: bool = False) -> Drawings:
    epoch = EpochReport(epoch=1, step=10, loss=2.5, validation_hr=0.2, rate=0.01)
    return drawings(Sources(gate, {"lstm": [epoch]}, AGEING if long_ago else (), of), folder)


AGEING = (
    Pooled(age=1, nights=2, users=8, hr=0.5, se=0.1),
    Pooled(age=2, nights=1, users=4, hr=0.25, se=None, against_fresh=Difference(n=4, total=-1, squares=1)),
)
DRIFT = DriftReport(
    day=date(2021, 6, 8),
    closed=False,
    weekdays=1,
    days=7,
    findings=(
        Finding(
            measure="volume", value=9, usual=90, judged=0.1, band=Band(least=0.5), outside=True, stops=False
        ),
        Finding(
            measure="unknown_items",
            value=0.9,
            usual=0.1,
            judged=0.9,
            band=Band(most=0.5),
            outside=True,
            stops=True,
        ),
    ),
)
STAGES = (
    StageCost(stage="extract", seconds=2, reused=True),
    StageCost(stage="train lstm", seconds=4, price=0.5),
)
GATE = {"popularity": evaluation(POOR), "lstm": evaluation(GOOD)}

VOID = {"meta", "br", "link", "img", "hr", "input"}


@dataclass
class Seen(HTMLParser):
    """Every tag and word of a page; fails where tags do not close in the order in which they opened."""

    tags: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())


def seen(page: str) -> Seen:
    reader = Seen()
    reader.feed(page)
    reader.close()
    assert reader.open == [], "a tag was left open"
    return reader


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    told = a_night(GATE, drift=DRIFT, ageing=AGEING, stages=STAGES)
    return html_page(told, drawn(GATE, tmp_path_factory.mktemp("sketches"), long_ago=True))


def test_the_verdict_comes_first_and_everything_else_is_there(page: str) -> None:
    said = seen(page).said
    assert said.index("Tonight's lstm is champion") < said.index("lstm beats") < said.index("Training cost")
    assert (
        "Of every 100 users asked, 100 found their next item among the 2 that lstm listed, the most of the night."
        in said
    )
    for part in ("17.5%", "0.5000 USD", "of 2021-06-09, version 8", "By category", "How champions age"):
        assert part in said
    for part in ("How the nets learned", "stops a promotion", "-25.00", "lay there", "4.0 s in this run"):
        assert part in said


def test_the_table_holds_every_figure_of_the_comparison(page: str) -> None:
    reader = seen(page)
    words = {word.strip() for word in reader.words}
    for row in comparison(GATE).rows:
        for cell in row.cells:
            mean, *error = cell.text.replace("%", "").split(" ±")
            assert {mean, *(f"±{e}" for e in error)} <= words
    assert ("class", "best") in reader.attributes


def test_nothing_is_fetched_and_nothing_is_run(page: str) -> None:
    reader = seen(page)
    assert not {"script", "link", "img", "iframe", "object", "embed"}.intersection(reader.tags)
    places = [value for name, value in reader.attributes if name in ("src", "href", "xlink:href", "action")]
    assert places
    assert all(place.startswith("#") for place in places)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "@import" not in page
    assert "url(http" not in page


def test_names_from_a_market_are_shown_as_they_are_and_never_become_a_part_of_the_page(page: str) -> None:
    reader = seen(page)
    assert reader.said.count(HOSTILE) == 3, "in the verdict, in a note, and where the lists are"
    assert f"{HOSTILE[:21]}…" in reader.words, "in the legend of the mix"
    assert "<script" not in page


def test_what_a_figure_refers_to_is_there_once(page: str) -> None:
    attributes = seen(page).attributes
    names = [value for name, value in attributes if name == "id"]
    used = {value[1:] for name, value in attributes if name == "xlink:href"}
    assert used <= set(names)
    assert len(names) == len(set(names))


def test_the_same_night_has_the_same_bytes(tmp_path: Path) -> None:
    pages = [html_page(a_night(GATE), drawn(GATE, tmp_path / folder)) for folder in "ab"]
    assert pages[0] == pages[1]


def test_every_metric_is_explained(page: str) -> None:
    assert set(METRICS) < set(METRIC_WORDS)
    assert METRIC_WORDS["hr"].meaning in seen(page).said


def test_a_market_without_attributes_has_no_table_and_no_mix_of_them(tmp_path: Path) -> None:
    bare = {model: evaluation(lists, ("",)) for model, lists in (("popularity", GOOD), ("lstm", GOOD[::-1]))}
    assert "category" not in seen(html_page(a_night(bare), drawn(bare, tmp_path))).said


def test_a_night_of_one_model_and_no_champion(tmp_path: Path) -> None:
    alone = {"popularity": evaluation(POOR)}
    told = a_night(alone, champion=None, lists=None, published_hr=None, notes=(), verdict="Too few users.")
    said = seen(html_page(told, drawn(alone, tmp_path, "popularity"))).said
    for part in (
        "No champion yet",
        "Too few users.",
        "no lists of that day, or nobody came",
        "No lists were published",
    ):
        assert part in said
    assert "By category" in said


def test_a_champion_that_stays_is_named_with_its_day(tmp_path: Path) -> None:
    gate = {"lstm": evaluation(POOR), "champion": evaluation(GOOD)}
    old = CHAMPION.model_copy(update={"day": date(2021, 6, 7)})
    said = seen(html_page(a_night(gate, champion=old), drawn(gate, tmp_path, "champion"))).said
    assert "lstm of 2021-06-07 stays champion" in said
    assert "among the 2 that the champion listed, the most of the night" in said
    assert "The items that the champion lists" in said


def test_a_day_older_than_the_newest_decided_one_moves_nothing_and_says_so(tmp_path: Path) -> None:
    alone = {"popularity": evaluation(POOR)}
    told = a_night(alone, champion=None, lists=None, overtaken=True)
    said = seen(html_page(told, drawn(alone, tmp_path, "popularity"))).said
    assert "An older day: nothing moves" in said
    assert "No lists were published" in said
    for wrong in ("No champion yet", "nobody answers"):
        assert wrong not in said


def test_an_heir_that_is_hardly_worse_is_told_from_the_champion_before_it(tmp_path: Path) -> None:
    gate = {"lstm": evaluation(POOR), "champion": evaluation(GOOD)}
    told = a_night(gate, hit_ratios={"lstm": 0.1656, "champion": 0.1719})
    said = seen(html_page(told, drawn(gate, tmp_path))).said
    assert "that lstm listed, about as many as with the champion before it, the best of the night" in said


@pytest.mark.parametrize(
    ("target", "words"),
    [("first", "knowing nothing of the day they came"), ("last", "the same day too")],
)
def test_the_page_says_what_was_known_of_whom_was_asked(tmp_path: Path, target: str, words: str) -> None:
    gate = {"lstm": evaluation(GOOD)}
    assert words in seen(html_page(a_night(gate, target=target), drawn(gate, tmp_path))).said


def test_evaluations_of_older_code_are_drawn_without_profiles(tmp_path: Path) -> None:
    old = {"lstm": replace(evaluation(GOOD), profile=None)}
    assert "The items that are recommended" not in html_page(a_night(old), drawn(old, tmp_path))


def test_a_page_is_made_anew_when_its_templates_change(tmp_path: Path) -> None:
    (tmp_path / "page.html.j2").write_text("<p>one</p>")
    one = templates_digest(tmp_path)
    (tmp_path / "page.html.j2").write_text("<p>two</p>")
    assert templates_digest(tmp_path) != one
