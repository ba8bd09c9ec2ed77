"""Figures of a run as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hm_pipeline.evaluation.canvas import blank, write
from hm_pipeline.evaluation.estimate import UNKNOWN
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Pooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^vP*Xh<>"


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
    figure = blank(10, 4.5)
    left, right = figure.subplots(1, 2, sharey=True)
    k = max((e.k for e in evaluations.values()), default=0)
    for axes, metric in ((left, "coverage"), (right, "personalization")):
        for place, (model, evaluation) in enumerate(evaluations.items()):
            _point(axes, evaluation, metric, model, _MARKERS[place % len(_MARKERS)])
        axes.set_xlabel(f"{metric}, %")
        axes.grid(alpha=0.3)
    left.set_ylabel(f"HR@{k}, %")
    if evaluations:
        right.legend(fontsize="small")
    return write(figure, file)


def learning_curves(epochs: Mapping[str, Sequence[Epoch]], file: Path) -> Path:
    """Training loss, and HR on validation, by epoch: one line a model."""
    figure = blank(10, 4)
    loss, hr = figure.subplots(1, 2)
    for model, reports in epochs.items():
        loss.plot([r.epoch for r in reports], [r.loss for r in reports], marker="o", label=model)
        seen = [(r.epoch, 100 * r.validation_hr) for r in reports if r.validation_hr is not None]
        hr.plot([epoch for epoch, _ in seen], [share for _, share in seen], marker="o", label=model)
    for axes, name in ((loss, "training loss"), (hr, "validation HR, %")):
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    if epochs:
        hr.legend(fontsize="small")
    return write(figure, file)


def longevity_figure(ageing: Sequence[Pooled], file: Path) -> Path:
    """HR by the age of a model in days, pooled over nights, with error bars of one standard error; beside it
    what was lost against the model of age 1."""
    figure = blank(10, 4)
    hr, lost = figure.subplots(1, 2)
    _curve(hr, [(p.age, p.hr, p.se) for p in ageing])
    differences = [(p.age, p.against_fresh.mean, p.against_fresh.se) for p in ageing]
    _curve(lost, [(age, mean, se) for age, mean, se in differences if mean is not None])
    lost.axhline(0, color="grey", linewidth=0.8)
    nights = max((p.nights for p in ageing), default=0)
    for axes, name in ((hr, "HR, %"), (lost, "HR against age 1, percentage points")):
        axes.set_xlabel(f"age of the champion, days ({nights} night{'s' * (nights != 1)})")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    return write(figure, file)


def _curve(axes: "Axes", found: Sequence[tuple[int, float, float | None]]) -> None:
    ages, means = [age for age, _, _ in found], [100 * mean for _, mean, _ in found]
    errors = [100 * (se or 0) for _, _, se in found]
    axes.errorbar(ages, means, yerr=errors, marker="o", capsize=3)


def _point(axes: "Axes", evaluation: Evaluation, metric: str, model: str, marker: str) -> None:
    hr, across = evaluation.metrics["hr"], evaluation.metrics.get(metric, UNKNOWN)
    if hr.mean is None or across.mean is None:
        return
    axes.errorbar(
        [100 * across.mean],
        [100 * hr.mean],
        xerr=[100 * (across.se or 0)],
        yerr=[100 * (hr.se or 0)],
        marker=marker,
        linestyle="none",
        capsize=3,
        label=model,
    )
