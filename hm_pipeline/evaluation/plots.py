"""Figures of a run, PNG or SVG by the name of the file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hm_pipeline.evaluation.canvas import bare, blank, write
from hm_pipeline.evaluation.estimate import UNKNOWN
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.evaluation.palette import GREY, INK, Style, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DIVERSITY = {
    "coverage": ("Hits against the breadth of the range", "coverage: % of all items that somebody is shown"),
    "personalization": ("Hits against how personal the lists are", "personalization, %"),
}


class Epoch(Protocol):
    """What a learning curve needs to know of an epoch."""

    @property
    def epoch(self) -> float:
        """Passes over the training targets so far."""
        ...

    @property
    def loss(self) -> float:
        """Mean training loss of a target."""
        ...

    @property
    def validation_hr(self) -> float | None:
        """HR@K on validation, None where it was not looked at."""
        ...


def comparison_figure(evaluations: Mapping[str, Evaluation], file: Path) -> Path:
    """HR with its error bar (one standard error) against coverage and against personalization, by model."""
    figure = blank(11, 4.2)
    panels = figure.subplots(1, 2, sharey=True)
    k = max((e.k for e in evaluations.values()), default=0)
    for axes, (metric, (title, unit)) in zip(panels, _DIVERSITY.items(), strict=True):
        for model, style in styles(evaluations).items():
            _point(axes, evaluations[model], metric, model, style)
        _label(axes, title, unit, "")
    panels[0].set_ylabel(f"HR@{k}: % of users", fontsize="small", color=GREY)
    _legend(figure, panels[0])
    return write(figure, file)


def learning_curves(epochs: Mapping[str, Sequence[Epoch]], file: Path) -> Path:
    """Training loss, and HR on validation, by epoch: one line a model."""
    figure = blank(11, 3.8)
    loss, hr = figure.subplots(1, 2)
    for model, style in styles(epochs).items():
        reports = epochs[model]
        _line(loss, [(r.epoch, r.loss) for r in reports], model, style)
        seen = [(r.epoch, 100 * r.validation_hr) for r in reports if r.validation_hr is not None]
        _line(hr, seen, model, style)
    for axes in (loss, hr):
        axes.xaxis.get_major_locator().set_params(integer=True)
    _label(loss, "How well the training data is learned", "epoch", "training loss")
    _label(hr, "How well it carries over", "epoch", "validation HR, %")
    _legend(figure, loss)
    return write(figure, file)


def longevity_figure(ageing: Sequence[Pooled], file: Path) -> Path:
    """HR by the age of a model in days, pooled over nights, with error bars of one standard error; beside it
    what was lost against the model of age 1."""
    figure = blank(11, 3.8)
    hr, lost = figure.subplots(1, 2)
    _curve(hr, [(p.age, p.hr, p.se) for p in ageing])
    differences = [(p.age, p.against_fresh.mean, p.against_fresh.se) for p in ageing]
    _curve(lost, [(age, mean, se) for age, mean, se in differences if mean is not None])
    lost.axhline(0, color=GREY, linewidth=0.8)
    nights = max((p.nights for p in ageing), default=0)
    age = f"age of the champion, days ({nights} night{'s' * (nights != 1)})"
    for axes in (hr, lost):
        axes.set_xlim(0.5, max((p.age for p in ageing), default=1) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
    _label(hr, "Hits by age", age, "HR, %")
    _label(lost, "What is lost against the model of age 1", age, "HR, percentage points")
    return write(figure, file)


def _label(axes: "Axes", title: str, across: str, up: str) -> None:
    bare(axes, title)
    axes.set_xlabel(across, fontsize="small", color=GREY)
    axes.set_ylabel(up, fontsize="small", color=GREY)


def _legend(figure: "Figure", axes: "Axes") -> None:
    """One for all panels, below them."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=8, fontsize="small", frameon=False)


def _line(axes: "Axes", points: Sequence[tuple[float, float]], model: str, style: Style) -> None:
    across, up = [x for x, _ in points], [y for _, y in points]
    axes.plot(across, up, color=style.colour, marker=style.marker, markersize=5, linewidth=1.6, label=model)


def _curve(axes: "Axes", found: Sequence[tuple[int, float, float | None]]) -> None:
    ages, means = [age for age, _, _ in found], [100 * mean for _, mean, _ in found]
    errors = [100 * (se or 0) for _, _, se in found]
    axes.errorbar(ages, means, yerr=errors, marker="o", capsize=3, color=INK)


def _point(axes: "Axes", evaluation: Evaluation, metric: str, model: str, style: Style) -> None:
    hr, across = evaluation.metrics["hr"], evaluation.metrics.get(metric, UNKNOWN)
    if hr.mean is None or across.mean is None:
        return
    axes.errorbar(
        [100 * across.mean],
        [100 * hr.mean],
        xerr=[100 * (across.se or 0)],
        yerr=[100 * (hr.se or 0)],
        marker=style.marker,
        color=style.colour,
        markersize=8,
        ecolor=GREY,
        linestyle="none",
        capsize=3,
        label=model,
    )
