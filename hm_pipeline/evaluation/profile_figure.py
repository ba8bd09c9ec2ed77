"""What kind of items each model recommends, as one picture: by rank, and by category.

After figures 4.5 to 4.7 of the thesis, with the catalogue's mean as the measure and bands of 1.96 standard
errors.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hm_pipeline.evaluation.canvas import blank, write
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.floors import best_trained
from hm_pipeline.evaluation.item_profile import ItemProfile
from hm_pipeline.evaluation.mix_panel import HEIGHT_OF_BAR, draw_mix
from hm_pipeline.evaluation.palette import Style, styles
from hm_pipeline.evaluation.trait_panel import draw_trait

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_MOST_COLOURED = 7
_TRAITS, _LEGEND = 4.0, 2.7  # inches that the numbers take, and the names of nine values
Styles = Mapping[str, Style | None]  # None: one of many, thin and grey


def item_profiles(
    evaluations: Mapping[str, Evaluation], file: Path, highlight: Collection[str] = ()
) -> Path | None:
    """Popularity, price and age by rank, one line a model, and the mix by category; PNG or SVG by the name.

    More than 7 models: `aals`, the champion, the best trained one by HR and those of `highlight` have colours
    and mixes, the others are thin and grey. None, and no file, where no evaluation has a profile.
    """
    profiles = {model: e.profile for model, e in evaluations.items() if e.profile is not None}
    if not profiles:
        return None
    shown = _styles({model: evaluations[model] for model in profiles}, highlight)
    return write(_drawn(profiles, shown), file)


def _drawn(profiles: Mapping[str, ItemProfile], shown: Styles) -> "Figure":
    """The numbers above, a row of bars for each attribute below."""
    mixed = _of_one_catalogue({m: profile for m, profile in profiles.items() if shown[m] is not None})
    attributes = [mix.attribute for mix in next(iter(mixed.values())).known_mixes]
    bars = max(HEIGHT_OF_BAR * (len(mixed) + 2) + 0.9, _LEGEND)
    figure = blank(11, _TRAITS + bars * len(attributes))
    above, *below = _rows(figure, [_TRAITS, *[bars] * len(attributes)])
    _draw_traits(above, profiles, shown)
    for part, attribute in zip(below, attributes, strict=True):
        draw_mix(part, attribute, mixed)
    return figure


def _of_one_catalogue(profiles: Mapping[str, ItemProfile]) -> dict[str, ItemProfile]:
    """Those whose bars go beside the first one's: a study may have given the others another window."""
    first = next(iter(profiles.values()))
    return {model: profile for model, profile in profiles.items() if profile.same_market(first)}


def _rows(figure: "Figure", heights: list[float]) -> "list[SubFigure]":
    return list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])


def _styles(evaluations: Mapping[str, Evaluation], highlight: Collection[str]) -> Styles:
    all_styles = styles(evaluations)
    if len(evaluations) <= _MOST_COLOURED:
        return all_styles
    chosen = {"aals", "champion", best_trained(evaluations), *highlight}
    return {model: style if model in chosen else None for model, style in all_styles.items()}


def _draw_traits(part: "SubFigure", profiles: Mapping[str, ItemProfile], shown: Styles) -> None:
    """A panel a trait, and one legend for all."""
    known = [{trait.name for trait in profile.traits} for profile in profiles.values()]
    names = [t.name for t in next(iter(profiles.values())).traits if all(t.name in some for some in known)]
    panels = part.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        traits = {m: next(t for t in p.traits if t.name == name) for m, p in profiles.items()}
        draw_trait(axes, name, traits, shown)
    _name_models(part, panels[0], shown)


def _name_models(part: "SubFigure", axes: "Axes", shown: Styles) -> None:
    """One legend, in the order of the models; the grey ones together, at the end."""
    drawn, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, drawn, strict=True))
    ordered = [*(model for model in shown if model in named), *(name for name in named if name not in shown)]
    lines = [named[name] for name in ordered]
    part.legend(lines, ordered, loc="outside lower center", ncols=8, fontsize="small", frameon=False)
