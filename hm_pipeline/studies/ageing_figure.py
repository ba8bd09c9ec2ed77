"""How fast models age, at a glance."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hm_pipeline.evaluation.canvas import bare, blank, write
from hm_pipeline.evaluation.palette import GREY, Style, styles
from hm_pipeline.studies.ageing import Ageing, AtAge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 3  # days: an age that was seen on fewer is drawn hollow

Figure = Callable[[AtAge], tuple[float, float | None]]  # a mean and its standard error


def figure(told: Ageing, file: Path) -> Path:
    """HR by age, a line a model; beside it the paired change against age 1. Bands are one standard error."""
    drawn = blank(11, 4.4)
    hr, lost = drawn.subplots(1, 2)
    _panel(hr, told, _hr)
    _panel(lost, told, _change)
    _label(hr, "Hits by age", f"HR@{told.k}, %")
    _label(lost, "What is lost against the model of age 1", "paired, percentage points")
    lost.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    handles, labels = hr.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=8, fontsize="small", frameon=False)
    asked = f"{told.market}, {told.days[0]} to {told.days[-1]}; bands of one standard error"
    drawn.suptitle(asked, fontsize="small", color=GREY)
    return write(drawn, file)


def _panel(axes: "Axes", told: Ageing, of: Figure) -> None:
    for model, style in styles(aged.model for aged in told.models).items():
        ages = next(aged.ages for aged in told.models if aged.model == model)
        _line(axes, ages, of, model, style)
        _hollow(axes, [at for at in ages if at.pooled.nights < _FEW], of, style)
    axes.locator_params(axis="x", integer=True)


def _line(axes: "Axes", ages: Sequence[AtAge], of: Figure, model: str, style: Style) -> None:
    across, middle = [at.age for at in ages], [100 * of(at)[0] for at in ages]
    reach = [100 * (of(at)[1] or 0.0) for at in ages]
    low, high = ([m + sign * r for m, r in zip(middle, reach, strict=True)] for sign in (-1, 1))
    axes.fill_between(across, low, high, color=style.colour, alpha=0.12, linewidth=0)
    axes.plot(across, middle, color=style.colour, marker=style.marker, markersize=5, label=model)


def _hollow(axes: "Axes", ages: Sequence[AtAge], of: Figure, style: Style) -> None:
    across, middle = [at.age for at in ages], [100 * of(at)[0] for at in ages]
    axes.plot(
        across,
        middle,
        color=style.colour,
        marker=style.marker,
        markersize=5,
        markerfacecolor="white",
        linestyle="none",
    )


def _hr(at: AtAge) -> tuple[float, float | None]:
    return at.pooled.hr, at.pooled.se


def _change(at: AtAge) -> tuple[float, float | None]:
    """Zero at age 1, which is what the others are compared with."""
    return (0.0, None) if at.change is None else (at.change.mean, at.change.se)


def _label(axes: "Axes", title: str, up: str) -> None:
    bare(axes, title)
    axes.set_xlabel(f"age in days; hollow: seen on fewer than {_FEW} days", fontsize="small", color=GREY)
    axes.set_ylabel(up, fontsize="small", color=GREY)
