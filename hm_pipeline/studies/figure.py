"""A study at a glance: how far each setting is from the reference, beside the thesis's own figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hm_pipeline.evaluation.canvas import blank, write
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.statistics import Gap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 3  # metrics, a panel each
_OURS, _THEIRS = "#0072b2", "#d55e00"


def figure(answer: Answer, file: Path) -> Path:
    """A panel a metric, a row a setting: its difference, with its 95% interval; the reference is a bar."""
    metrics = [m for m in answer.study.metrics if any(m in line.figures for line in answer.lines)][:_SHOWN]
    lines = [line for line in answer.lines if line.figures]
    drawn = blank(1.5 + 3.5 * max(len(metrics), 1), 1.9 + 0.36 * len(lines))
    drawn.suptitle(answer.study.question)
    if metrics:
        _panels(drawn, answer, lines, metrics)
    else:
        drawn.text(0.5, 0.4, "Nothing was measured: the text says why.", ha="center")
    return write(drawn, file)


def _panels(drawn: "Figure", answer: Answer, lines: Sequence[Line], metrics: Sequence[str]) -> None:
    panels = drawn.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        _panel(panel, answer, lines, metric)
    panels[0].set_yticks(range(len(lines)), [line.label for line in lines])
    panels[0].invert_yaxis()
    _legend(drawn, panels[0], thesis=any(line.thesis for line in lines))


def _legend(drawn: "Figure", axes: "Axes", *, thesis: bool) -> None:
    kinds = [("more than noise", _OURS, _OURS, "o"), ("noise, or its size is unknown", _OURS, "white", "o")]
    for label, edge, face, marker in [*kinds, ("the thesis", _THEIRS, _THEIRS, "D")][: 3 if thesis else 2]:
        axes.plot([], [], label=label, color=edge, markerfacecolor=face, marker=marker, linestyle="none")
    drawn.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)


def _panel(axes: "Axes", answer: Answer, lines: Sequence[Line], metric: str) -> None:
    axes.axvline(0, color="grey", linewidth=0.8)
    for place, line in enumerate(lines):
        if line is answer.reference(line):
            axes.plot([0], [place], marker="|", color="black", markersize=12)
        if metric in line.gaps:
            _ours(axes, place, line.gaps[metric], metric)
        _theirs(axes, place, line, answer.reference(line), metric)
    unit = "nats" if metric.startswith("novelty") else "percentage points"
    axes.set_xlabel(
        f"{metric}@{answer.k} against the reference\n{unit}{_over(lines, metric)}", fontsize="small"
    )
    axes.grid(axis="x", alpha=0.3)


def _over(lines: Sequence[Line], metric: str) -> str:
    """What the intervals hold."""
    gaps = [line.gaps[metric] for line in lines if metric in line.gaps]
    known = {
        "seeds": any(gap.seeds_margin is not None for gap in gaps),
        "users": any(gap.users_margin is not None for gap in gaps),
    }
    named = [noise for noise, there in known.items() if there]
    return f", 95% over {' and '.join(named)}" if named else ""


def _ours(axes: "Axes", place: int, found: Gap, metric: str) -> None:
    """Filled where it is more than noise."""
    times = _times(metric)
    reach = [times * (found.margin or 0.0)]
    face = _OURS if found.is_more_than_noise else "white"
    middle = [times * found.mean]
    axes.errorbar(middle, [place], xerr=reach, marker="o", color=_OURS, markerfacecolor=face, capsize=3)


def _theirs(axes: "Axes", place: int, line: Line, reference: Line, metric: str) -> None:
    """The thesis speaks of per cent, and of novelty in a unit of its own, which is not drawn."""
    if metric.startswith("novelty") or metric not in line.thesis or metric not in reference.thesis:
        return
    difference = line.thesis[metric] - reference.thesis[metric]
    axes.plot([difference], [place + 0.22], marker="D", color=_THEIRS, markersize=5, linestyle="none")


def _times(metric: str) -> float:
    return 1.0 if metric.startswith("novelty") else 100.0
