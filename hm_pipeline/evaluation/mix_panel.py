"""The mix by one attribute as bars on their side: the catalogue, the window, then each model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hm_pipeline.evaluation.canvas import bare, plain
from hm_pipeline.evaluation.item_profile import ItemProfile, Mix
from hm_pipeline.evaluation.palette import GREY, PALE, ink_on, value_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

HEIGHT_OF_BAR = 0.3  # inches
_WORTH_A_FIGURE = 0.045  # share from which there is room for one


def draw_mix(part: "SubFigure", attribute: str, profiles: Mapping[str, ItemProfile]) -> None:
    """Shares in per cent; colours follow the values, the legend their order."""
    mixes = {model: _mix(profile, attribute) for model, profile in profiles.items()}
    any_mix = next(iter(mixes.values()))
    bars = {"the catalogue": any_mix.catalogue, "what people chose": any_mix.window}
    bars |= {model: mix.shown for model, mix in mixes.items()}
    axes, colours = part.subplots(), value_colours(attribute, any_mix.values)
    for place, shares in enumerate(bars.values()):
        _draw_bar(axes, place + 0.4 * (place > 1), shares, colours)
    _name(axes, list(bars), attribute)
    _explain(axes, any_mix, colours)


def _mix(profile: ItemProfile, attribute: str) -> Mix:
    return next(mix for mix in profile.mixes if mix.attribute == attribute)


def _draw_bar(axes: "Axes", place: float, shares: tuple[float, ...], colours: list[str]) -> None:
    left = 0.0
    for share, colour in zip(shares, colours, strict=True):
        width, middle = 100 * share, left + 50 * share
        axes.barh(place, width, left=left, height=0.78, color=colour, edgecolor=PALE, linewidth=0.5)
        if share >= _WORTH_A_FIGURE:
            said, ink = f"{width:.0f}", ink_on(colour)
            axes.text(middle, place, said, ha="center", va="center", fontsize=7, color=ink)
        left += width


def _name(axes: "Axes", bars: list[str], attribute: str) -> None:
    bare(axes, f"What {attribute} are they?")
    axes.grid(visible=False)
    axes.set_yticks([place + 0.4 * (place > 1) for place in range(len(bars))], bars)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(
        "% of a model's places, of the items of the catalogue, of the interactions in the window",
        fontsize="small",
        color=GREY,
    )


def _explain(axes: "Axes", mix: Mix, colours: list[str]) -> None:
    """A square and a name a value, beside the bars."""
    from matplotlib.patches import Patch  # noqa: PLC0415

    named = zip(mix.values, colours, strict=True)
    squares = [Patch(facecolor=colour, edgecolor=PALE, label=plain(value)) for value, colour in named]
    axes.legend(
        handles=squares, loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize="small", frameon=False
    )
