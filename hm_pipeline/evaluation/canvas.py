"""Figures outside pyplot: nothing global, nothing to close; matplotlib is imported where one is drawn."""

from pathlib import Path
from typing import TYPE_CHECKING

from hm_pipeline.evaluation.palette import GREY, INK, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FONTS = ["DejaVu Sans", "Verdana", "Arial"]  # the first comes with matplotlib; the others are about as wide


def blank(width: float, height: float) -> "Figure":
    """An empty figure of that many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write(figure: "Figure", file: Path) -> Path:
    """A PNG, or where the file is named so an SVG, with the same bytes for the same figure."""
    from matplotlib import rc_context  # noqa: PLC0415

    file.parent.mkdir(parents=True, exist_ok=True)
    named = {"Date": None, "Creator": None} if file.suffix == ".svg" else {"Software": None}
    rules = rc_context({"svg.fonttype": "none", "font.sans-serif": _FONTS, "svg.hashsalt": file.stem})
    with rules:
        figure.savefig(file, format=file.suffix[1:], dpi=120, metadata=named)
    return file


def bare(axes: "Axes", title: str = "") -> None:
    """No frame but the two axes, a quiet grid, the title at the left."""
    axes.set_title(title, loc="left", fontsize="medium", fontweight="bold", color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=GREY, labelsize="small", labelcolor=INK)
    axes.grid(color=PALE, alpha=0.5, linewidth=0.6)
    axes.set_axisbelow(True)


def plain(text: str, most: int = 22) -> str:
    """Somebody's text as a label: one line, printable, no formula, `most` characters at most."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    cut = clean if len(clean) <= most else clean[: most - 1] + "…"
    return cut.replace("$", r"\$")
