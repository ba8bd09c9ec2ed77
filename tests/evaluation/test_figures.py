"""The figures of a night: drawn where there is something to draw, the same bytes again, hostile names and all."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Holdout, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.canvas import plain
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate
from hm_pipeline.evaluation.palette import INK, STYLES, VALUES, ink_on, styles, value_colours
from hm_pipeline.evaluation.plots import comparison_figure
from hm_pipeline.evaluation.profile_figure import item_profiles

Figure = Callable[[Mapping[str, Evaluation], Path], Path | None]
HATS, FORMULA = "<hats & 'caps'>", "$\\frac$ off $"
LISTS = [[1, 2, 3], [2, 1, 3], [4]]


def evaluation(lists: list[list[int]] = LISTS, values: tuple[str, ...] = ("", HATS, FORMULA)) -> Evaluation:
    codes = np.array([0, 1, 1, 2, 0], np.int32) % len(values)
    samples = Samples(
        market="SE",
        protocol="next_day",
        first_day="2021-06-01",
        last_day="2021-06-02",
        items=Vocabulary.of("1234"),
        users=Vocabulary.of([]),
        train=Histories.of([]),
        counts=np.array([0, 400, 3, 2, 1]),
        sales=None,
        attributes={"category": Attribute(values, codes)},
        holdouts={},
        values={"price": np.array([np.nan, 10, 20, np.nan, 40])},
    )
    n = len(lists)
    asked = Holdout(
        Histories.of([[]] * n), np.ones(n, np.int32), {"category": np.full(n, codes[1], np.int32)}
    )
    items = np.array([row + [-1] * (3 - len(row)) for row in lists], np.int32).reshape(n, 3)
    shown = Recommendations(items, np.where(items > 0, 0, -np.inf).astype(np.float32))
    return evaluate(shown, asked, samples, k=3)


def words(file: Path) -> str:
    """All text of an SVG, which has to be well-formed for it."""
    root = ElementTree.parse(file).getroot()
    return "\n".join("".join(part.itertext()) for part in root.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("draw", [comparison_figure, item_profiles])
@pytest.mark.parametrize("name", ["figure.svg", "figure.png"])
def test_a_figure_has_the_same_bytes_again(draw: Figure, name: str, tmp_path: Path) -> None:
    first, again = (draw({"lstm": evaluation()}, tmp_path / folder / name) for folder in "ab")
    assert first is not None
    assert again is not None
    assert first.read_bytes() == again.read_bytes()


def test_a_profile_shows_what_is_known_and_names_the_models(tmp_path: Path) -> None:
    file = item_profiles({"lstm": evaluation(), "champion": evaluation()}, tmp_path / "p.svg")
    assert file is not None
    said = words(file)
    for part in ("popular", "cost", "lstm", "champion", "category", "mean of all items 23.3", "unknown"):
        assert part in said
    assert "days since launch" not in said, "no item has an age"


def test_a_model_of_another_window_has_no_bar_among_those_of_the_first(tmp_path: Path) -> None:
    there = {"lstm": evaluation(), "other": evaluation(values=("", HATS)), "also": evaluation()}
    file = item_profiles(there, tmp_path / "p.svg")
    assert file is not None
    said = words(file).splitlines()
    assert (said.count("lstm"), said.count("also"), said.count("other")) == (2, 2, 1)


def test_hostile_names_are_drawn_as_they_are_written(tmp_path: Path) -> None:
    file = item_profiles({"lstm": evaluation()}, tmp_path / "p.svg")
    assert file is not None
    assert HATS in words(file)
    assert FORMULA in words(file)


def test_a_label_is_one_printable_line_of_bearable_length() -> None:
    assert plain("a\nb\x00c\u202ed") == "a b c d"
    assert plain("x" * 30) == "x" * 21 + "…"


def test_a_market_that_knows_no_attribute_has_no_mix(tmp_path: Path) -> None:
    file = item_profiles({"lstm": evaluation(values=("",))}, tmp_path / "p.svg")
    assert file is not None
    assert "category" not in words(file)


def test_lists_that_show_nothing_are_drawn_too(tmp_path: Path) -> None:
    for lists in ([], [[], []]):
        assert item_profiles({"lstm": evaluation(lists)}, tmp_path / "p.svg") is not None


def test_without_a_profile_there_is_no_figure(tmp_path: Path) -> None:
    old = replace(evaluation(), profile=None)
    assert item_profiles({"lstm": old}, tmp_path / "p.png") is None
    assert not list(tmp_path.iterdir())


def test_of_many_models_the_highlighted_are_named_and_the_others_are_others(tmp_path: Path) -> None:
    many = {f"v{place}": evaluation() for place in range(9)} | {"aals": evaluation([[4], [4], [4]])}
    by_default = item_profiles(many, tmp_path / "d.svg")
    chosen = item_profiles(many, tmp_path / "h.svg", highlight=["v3"])
    assert by_default is not None
    assert chosen is not None
    assert {"aals", "v0", "others"} <= set(words(by_default).splitlines())
    assert "v1" not in words(by_default).splitlines()
    assert {"aals", "v0", "v3", "others"} <= set(words(chosen).splitlines())


def test_of_many_models_the_best_trained_one_is_named_not_the_best_floor(tmp_path: Path) -> None:
    many = {f"v{place}": evaluation() for place in range(9)} | {"repeat": evaluation([[1], [2], [3]])}
    names = words(item_profiles(many, tmp_path / "d.svg")).splitlines()
    assert "v0" in names
    assert "repeat" not in names


def test_a_model_looks_the_same_beside_whomever_it_stands() -> None:
    assert styles(["lstm", "als"])["lstm"] == styles(["popularity", "lstm"])["lstm"]
    assert len(set(STYLES.values())) == len(STYLES)


def test_values_that_are_colours_look_like_themselves_and_can_be_written_on() -> None:
    black, unknown = value_colours("colour", ["Black", "unknown"])
    assert black == "#333333"
    assert unknown in VALUES
    assert value_colours("category", ["Black"]) == [VALUES[0]]
    assert (ink_on(black), ink_on("#ffffff")) == ("white", INK)


def test_names_that_are_no_kind_of_model_do_not_look_like_one_that_is_there() -> None:
    found = styles(["lstm", "shuffled", "history 5"])
    assert len(set(found.values())) == 3
