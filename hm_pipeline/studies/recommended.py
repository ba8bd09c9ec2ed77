"""What kind of items each setting recommends: figures 4.5 to 4.7 of the thesis in numbers, for any models."""

from hm_pipeline.evaluation.item_profile import ItemProfile, Trait
from hm_pipeline.markdown import table
from hm_pipeline.studies.answer import Answer


def recommended(answer: Answer) -> str:
    """A line a setting, one for all items: means over all places, and from first to last; else nothing."""
    profiles = {line.label: line.profile for line in answer.lines if line.profile is not None}
    if not profiles:
        return ""
    traits = next(iter(profiles.values())).traits
    head = ["recommended items, mean (first place → last)", *(trait.name for trait in traits)]
    rows = [[label, *_cells(profile)] for label, profile in profiles.items()]
    return table(head, [*rows, ["all items of the catalogue", *(_number(t.catalogue) for t in traits)]])


def _cells(profile: ItemProfile) -> list[str]:
    return [_cell(trait) for trait in profile.traits]


def _cell(trait: Trait) -> str:
    """`812 (1,204 → 530)`."""
    first, *_, last = trait.ranks * 2  # a list of one place begins and ends with it
    return f"{_number(trait.mean)} ({_number(first.mean)} → {_number(last.mean)})"


def _number(figure: float | None) -> str:
    """Three digits that count, no more."""
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
