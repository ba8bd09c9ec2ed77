"""One number of the recommended items by rank: a line and its band a model, the catalogue's mean across."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hm_pipeline.evaluation.canvas import bare
from hm_pipeline.evaluation.item_profile import AtRank, Trait
from hm_pipeline.evaluation.palette import GREY, INK, PALE, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 8.0  # times: above it popularity has a logarithmic axis
_NORMAL = 1.96  # standard errors to either side: 95%
_ASKED = {
    "popularity": ("How popular are the items?", "interactions in the window"),
    "price": ("What do the items cost?", "price, in the market's currency"),
    "age": ("How old are the items?", "days since launch"),
}


def draw_trait(
    axes: "Axes", name: str, traits: Mapping[str, Trait], shown: Mapping[str, Style | None]
) -> None:
    """`traits` by model, all of one name; a model without a style is thin and grey, and behind the others."""
    question, unit = _ASKED.get(name, (f"{name} of the items", name))
    for model in sorted(traits, key=lambda model: shown[model] is not None):
        _draw_line(axes, traits[model], model, shown[model])
    _scale(axes, name, list(traits.values()))
    _draw_catalogue(axes, next(iter(traits.values())).catalogue)
    bare(axes, question)
    axes.set_ylabel(f"mean {unit}", fontsize="small", color=GREY)
    axes.set_xlabel("place in the list", fontsize="small", color=GREY)
    places = len(next(iter(traits.values())).ranks)
    axes.set_xticks(np.unique(np.linspace(1, places, min(places, 7)).round()))


def _draw_line(axes: "Axes", trait: Trait, model: str, style: Style | None) -> None:
    at = [place for place, rank in enumerate(trait.ranks, start=1) if rank.mean is not None]
    means = [rank.mean for rank in trait.ranks if rank.mean is not None]
    if style is None:
        axes.plot(at, means, color=PALE, linewidth=0.9, label="others")
        return
    bounds = [_bounds(rank) for rank in trait.ranks if rank.mean is not None]
    low, high = [low for low, _ in bounds], [high for _, high in bounds]
    axes.fill_between(at, low, high, color=style.colour, alpha=0.15, linewidth=0)
    axes.plot(at, means, color=style.colour, linewidth=1.6, marker=style.marker, markersize=4, label=model)


def _bounds(rank: AtRank) -> tuple[float, float]:
    mean, error = rank.mean or 0.0, _NORMAL * (rank.se or 0.0)
    return mean - error, mean + error


def _draw_catalogue(axes: "Axes", mean: float | None) -> None:
    """The measure of all lines, named where it stands."""
    if mean is None:
        return
    axes.axhline(mean, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"mean of all items {mean:,.1f}",
        (1, mean),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 4),
        textcoords="offset points",
        ha="right",
        fontsize="x-small",
        color=INK,
        bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
    )


def _scale(axes: "Axes", name: str, traits: list[Trait]) -> None:
    """From 0 to the highest band; popularity, where it spans much, by factors."""
    means = [rank.mean for trait in traits for rank in trait.ranks] + [traits[0].catalogue]
    known = [mean for mean in means if mean]
    if name == "popularity" and known and max(known) > _WIDE * min(known):
        _by_factors(axes)
    else:
        tops = [_bounds(rank)[1] for trait in traits for rank in trait.ranks]
        axes.set_ylim(0, 1.05 * max([*tops, *known]) or 1.0)


def _by_factors(axes: "Axes") -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter  # noqa: PLC0415

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
