"""The answer as a page and as a picture."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from by_hand import (
    DAY,
    ORDER,
    SESSIONS,
    TRAITS,
    WIDTH,
    answered,
    by_seed,
    config,
    evaluation,
    measured,
    setting,
    study,
)
from rich.console import Console

from flows import display
from hm_pipeline.studies.answer import Answer, answer
from hm_pipeline.studies.figure import figure
from hm_pipeline.studies.table import markdown
from hm_pipeline.studies.words import sentence

THESIS = {
    "source": "table 4.3",
    "figures": {"hr": {"lstm · 8": 44.3, "lstm · 16": 50.0}, "novelty": {"lstm · 8": 9.8}},
}
LITTLE, MUCH = [1.0] * 20 + [0.0] * 80, [1.0] * 60 + [0.0] * 40
FEW = [*LITTLE[1:], 0.0]


def widths(**declared: object) -> Answer:
    """Two widths of an lstm, three seeds, a hundred users."""
    asked = study(axes=[WIDTH], metrics=["hr", "novelty"], **declared)
    found = [
        measured(setting(asked, label), seed, evaluation(hits, novelty=5.0 + seed / 10), seconds=1_234.5)
        for label, rows in {"8": (LITTLE, FEW, LITTLE), "16": (MUCH, MUCH, MUCH)}.items()
        for seed, hits in zip(asked.seeds, rows, strict=True)
    ]
    return answered(asked, found)


def rows(page: str) -> list[list[str]]:
    """The cells of all tables, without their rules."""
    lines = [line for line in page.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_begins_with_the_question_and_what_was_found() -> None:
    told = widths()
    assert markdown(told).startswith(f"# Is it the order?\n\n{sentence(told)}\n\n|")


def test_figures_have_their_error_over_seeds_and_the_thesiss_stand_beside_them() -> None:
    head, narrow, wide, *_ = rows(markdown(widths(thesis=THESIS)))
    assert head == ["setting", "hr", "hr, thesis", "novelty", "novelty, thesis", "s a fit"]
    assert narrow == ["8", "19.67% ±0.33", "44.3", "5.20 ±0.06", "9.8", "1,234"]
    assert wide == ["16", "60.00% ±0.00", "50", "5.20 ±0.06", "-", "1,234"]


def test_without_a_thesis_there_are_no_columns_of_it() -> None:
    page = markdown(widths())
    assert rows(page)[0] == ["setting", "hr", "novelty", "s a fit"]
    assert "hesis" not in page


def test_differences_have_their_interval_and_what_it_is_made_of() -> None:
    *_, head, narrow = rows(markdown(widths()))
    assert head == ["hr, percentage points", "against", "difference", "95%", "seeds", "users", "detectable",
                    "more than noise"]  # fmt: skip
    label, against, difference, interval, seeds, users, detectable, judged = narrow
    assert (label, against, difference, judged) == ("8", "16", "-40.33", "**worse**")
    assert (interval, seeds, users, detectable) == ("-50.06 … -30.61", "1.43", "9.62", "13.86")


def test_noise_is_called_so_and_what_has_no_error_is_not_judged() -> None:
    asked = study(axes=[WIDTH], metrics=["hr"], seeds=[1, 2])
    alike = answered(asked, by_seed(asked, {"8": [LITTLE, FEW], "16": [FEW, LITTLE]}))
    assert rows(markdown(alike))[-1][-1] == "no"
    asked = study(axes=[WIDTH], metrics=["coverage"], seeds=[1])
    bare = [measured(setting(asked, label), 1, evaluation([1], coverage=0.5)) for label in ("8", "16")]
    assert rows(markdown(answered(asked, bare)))[-1][3:] == ["-"] * 5


def test_one_seed_of_a_net_is_no_verdict_and_one_of_neighbours_is() -> None:
    net, neighbours = (study(axes=[ORDER | {"values": ["correct", "day"]}], models=[m], seeds=[1], seeded=[])
                       for m in ("lstm", "itemknn"))  # fmt: skip
    told = [
        answered(asked, by_seed(asked, {"correct": [MUCH], "day": [LITTLE]})) for asked in (net, neighbours)
    ]
    lone, sure = (rows(markdown(one))[-1] for one in told)
    assert lone[:4] == sure[:4] == ["day", "correct", "-40.00", "-49.65 … -30.35"]
    assert lone[4:] == ["-", "9.65", "-", "users only: worse"]
    assert sure[4:] == ["-", "9.65", "13.79", "**worse**"]


def test_what_is_not_kept_a_user_is_no_verdict_either() -> None:
    asked = study(axes=[WIDTH], metrics=["coverage"], seeds=[1, 2])
    found = [measured(setting(asked, label), seed, evaluation([1], coverage=share + seed / 1000))
             for label, share in (("8", 0.9), ("16", 0.5)) for seed in (1, 2)]  # fmt: skip
    page = markdown(answered(asked, found))
    assert rows(page)[-1] == ["8", "16", "+40.00", "+40.00 … +40.00", "0.00", "-", "-", "seeds only: better"]
    assert "better than 16 over seeds only: 8 (" in page


def test_an_approximate_search_says_how_much_of_the_exact_lists_it_finds() -> None:
    asked = study(models=["als", "aals"], axes=[], reference_model="als", seeds=[1, 2])
    facts = {"ann_recall_at_k": 0.62, "ann_recall_target": 0.9, "ann_recall_target_met": 0.0}
    found = [replace(measured(setting(asked, model=model), seed, evaluation([1, 0])), facts=told)
             for model, told in (("als", {}), ("aals", facts)) for seed in asked.seeds]  # fmt: skip
    page = markdown(answered(asked, found))
    assert rows(page)[:3] == [
        ["setting", "hr", "ANN recall", "s a fit"],
        ["als", "50.00% ±0.00", "-", "2"],
        ["aals", "50.00% ±0.00", "62.0%, below its target of 0.9", "2"],
    ]
    assert "- ANN recall: the share of the items of exact lists" in page
    met = [replace(one, facts={**facts, "ann_recall_target_met": 1.0}) for one in found]
    assert rows(markdown(answered(asked, met)))[2][2] == "62.0%"
    assert "ANN" not in markdown(widths())


def test_where_an_axis_changes_the_log_each_log_is_told_and_vocabularies_differ() -> None:
    windows = {"path": "market.window_days", "values": [9, 30], "reference": 30}
    asked = study(axes=[windows], models=["itemknn"], seeds=[1])
    found = [measured(setting(asked, label), 1, evaluation([1, 0], question=label)) for label in ("9", "30")]
    page = markdown(answer(asked, config(), DAY, "test", TRAITS, found, {"9": SESSIONS, "30": TRAITS}))
    assert (
        "- The log of market.window_days = 9: 3,000 interactions of 200 users with 40 items; 0.0% of" in page
    )
    assert (
        "- The log of market.window_days = 30: 3,000 interactions of 200 users with 40 items; 80.0% of"
        in page
    )
    assert "- The log:" not in page
    assert "- Samples differ between settings, and so do their vocabularies: coverage, novelty" in page
    assert "vocabularies" not in markdown(widths())


def test_a_model_without_chance_has_no_error_over_seeds() -> None:
    asked = study(axes=[WIDTH], seeds=[1, 2])
    found = [measured(setting(asked, label), seed, evaluation([1, 0]), fit=label)
             for label in ("8", "16") for seed in (1, 2)]  # fmt: skip
    assert rows(markdown(answered(asked, found)))[1] == ["8", "50.00%", "2"]


def test_the_page_ends_with_whom_was_asked_and_what_the_log_can_tell() -> None:
    page = markdown(widths(thesis=THESIS, protocol="next_day"))
    assert (
        "- Market `demo`, run date 2017-09-14, profile `study`, protocol `next_day` (test), 100 users" in page
    )
    assert "3 paired seeds." in page
    assert "3,000 interactions of 200 users with 40 items; 80.0% of the users return on another day" in page
    assert "- Thesis: table 4.3" in page


def test_what_the_log_cannot_tell_stands_in_its_row_and_why_below() -> None:
    asked = study(needs=[{"kind": "returning_users", "value": "day"}], thesis=ORDER_THESIS, seeds=[1])
    page = markdown(answered(asked, by_seed(asked, {"correct": [[1, 0]], "random": [[0, 0]]}), SESSIONS))
    assert rows(page)[2] == ["day", "not identifiable", "49.37", "-"]
    assert (
        "- Not identifiable: day: 0% of the users are seen on a second day, at least 5% are needed." in page
    )


ORDER_THESIS = {"source": "table 4.4", "figures": {"hr": {"lstm · day": 49.37}}}


def unanswerable() -> Answer:
    asked = study(needs=[{"kind": "returning_users"}], thesis=ORDER_THESIS)
    return answered(asked, [], SESSIONS)


def test_a_question_that_nobody_was_asked_still_shows_what_the_thesis_found() -> None:
    page = markdown(unanswerable())
    assert rows(page)[:3] == [
        ["setting", "hr", "hr, thesis", "s a fit"],
        ["correct", "not identifiable", "-", "-"],
        ["day", "not identifiable", "49.37", "-"],
    ]
    assert "\n\n\n" not in page


# ---- the picture ----


def is_png(file: Path) -> bool:
    return file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_same_answer_is_drawn_in_the_same_bytes(tmp_path: Path) -> None:
    told = widths(thesis=THESIS)
    first, second = (figure(told, tmp_path / name / "answer.png") for name in ("a", "b"))
    assert is_png(first)
    assert first.read_bytes() == second.read_bytes()
    assert figure(widths(), tmp_path / "c.png").read_bytes() != first.read_bytes()


def test_the_same_answer_read_from_json_is_drawn_and_told_alike(tmp_path: Path) -> None:
    told = widths(thesis=THESIS)
    again = Answer.model_validate_json(told.model_dump_json())
    assert markdown(again) == markdown(told)
    drawn = [figure(one, tmp_path / f"{n}.png").read_bytes() for n, one in enumerate((told, again))]
    assert drawn[0] == drawn[1]


def test_a_question_that_nobody_was_asked_has_a_picture_too(tmp_path: Path) -> None:
    assert is_png(figure(unanswerable(), tmp_path / "answer.png"))


def test_noise_and_more_than_noise_are_drawn_apart_and_explained(tmp_path: Path) -> None:
    drawn = figure(widths(thesis=THESIS), tmp_path / "answer.svg").read_text()
    for word in ("more than noise", "the thesis", "hr@14 against the reference", "95% over seeds and users"):
        assert word in drawn
    assert "the thesis" not in figure(widths(), tmp_path / "own.svg").read_text()


def test_no_more_than_three_metrics_are_drawn_and_pyplot_is_left_alone(tmp_path: Path) -> None:
    asked = study(axes=[WIDTH], metrics=["hr", "ndcg", "coverage", "personalization"], seeds=[1])
    scored = evaluation([1, 0], coverage=0.1, personalization=0.2)
    told = answered(asked, [measured(setting(asked, label), 1, scored) for label in ("8", "16")], TRAITS)
    drawn = figure(told, tmp_path / "answer.svg").read_text()
    assert "coverage@14" in drawn
    assert "personalization@14" not in drawn
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize(("width", "terminal"), [(60, True), (400, False), (400, True)])
def test_a_terminal_cuts_nothing_off(width: int, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(width=width, record=True, highlight=False, force_terminal=terminal)
    monkeypatch.setattr(display, "console", console)
    told = widths(thesis=THESIS)
    display.tell_study(told)
    said, fits = console.export_text(), terminal and width == 400
    assert "…" not in said.replace(" … ", "")  # an interval has its own
    assert all(cell.replace("*", "") in said for row in rows(markdown(told)) for cell in row)
    assert (markdown(told).strip() in said) is not fits, "bare markdown where it would not fit, or is piped"
