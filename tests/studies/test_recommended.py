"""What the settings recommend, worked by hand."""

from dataclasses import replace

from by_hand import WIDTH, answered, evaluation, measured, setting, study

from hm_pipeline.evaluation.item_profile import AtRank, ItemProfile, Trait
from hm_pipeline.studies.answer import Answer, first_evaluations
from hm_pipeline.studies.recommended import recommended
from hm_pipeline.studies.table import markdown


def trait(name: str, means: list[float | None], catalogue: float | None) -> Trait:
    ranks = tuple(AtRank(n=0 if mean is None else 10, mean=mean, se=None) for mean in means)
    return Trait(name=name, ranks=ranks, known=1, catalogue=catalogue, catalogue_known=1)


def profile(popularity: list[float | None]) -> ItemProfile:
    traits = (trait("popularity", popularity, 57.25), trait("price", [19.94, None], None))
    return ItemProfile(traits=traits, mixes=())


NARROW, WIDE = profile([1200.0, 800.0]), profile([90.0, 30.0])
ASKED = study(axes=[WIDTH], seeds=[1, 2])
FOUND = [
    measured(setting(ASKED, label), seed, replace(evaluation([1, 0]), profile=of))
    for label, of in (("16", WIDE), ("8", NARROW))
    for seed, of in ((2, None), (1, of))
]


def told() -> Answer:
    return answered(ASKED, FOUND)


def test_each_setting_has_the_mean_of_its_places_the_first_and_the_last_beside_all_items() -> None:
    assert recommended(told()).splitlines() == [
        "| recommended items, mean (first place → last) | popularity | price |",
        "| --- | ---: | ---: |",
        "| 8 | 1,000 (1,200 → 800) | 19.9 (19.9 → -) |",
        "| 16 | 60 (90 → 30) | 19.9 (19.9 → -) |",
        "| all items of the catalogue | 57.2 | - |",
    ]


def test_of_several_seeds_the_lowest_is_shown_in_the_order_of_the_study() -> None:
    shown = first_evaluations(ASKED, FOUND)
    assert {label: one.profile for label, one in shown.items()} == {"8": NARROW, "16": WIDE}
    assert list(shown) == ["8", "16"]


def test_the_page_says_what_the_figures_are_and_nothing_where_there_are_none() -> None:
    assert recommended(told()) in markdown(told())
    assert "- Recommended items: " in markdown(told())
    nothing = answered(ASKED, [replace(one, evaluation=evaluation([1, 0])) for one in FOUND])
    assert recommended(nothing) == ""
    assert "ecommended" not in markdown(nothing)
