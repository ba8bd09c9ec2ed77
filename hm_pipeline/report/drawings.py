"""The figures of the page, each with the question it answers and a caption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.evaluation.plots import Epoch, comparison_figure, learning_curves, longevity_figure
from hm_pipeline.evaluation.profile_figure import item_profiles
from hm_pipeline.report.profile_words import profile_words
from hm_pipeline.report.svg import inline


@dataclass(frozen=True, eq=False)
class Drawing:
    """One figure of the page."""

    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True, eq=False)
class Sources:
    """What the figures are drawn from."""

    evaluations: Mapping[str, Evaluation]  # by model, on the gate's holdout
    epochs: Mapping[str, Sequence[Epoch]]  # by model, of those that learn in epochs
    ageing: Sequence[Pooled]
    of: str  # the model whose items are put in words


@dataclass(frozen=True, eq=False)
class Drawings:
    """The figures by what they show; None where there is nothing to draw."""

    comparison: Drawing | None
    items: Drawing | None
    learning: Drawing | None
    ageing: Drawing | None


def drawings(sources: Sources, sketches: Path) -> Drawings:
    """All figures, by way of files in the folder `sketches`."""
    gate, epochs, ageing = sources.evaluations, sources.epochs, sources.ageing
    several = len(ageing) > 1  # one age has nothing to be compared with
    return Drawings(
        comparison=_drawn(_COMPARISON, comparison_figure(gate, sketches / "comparison.svg")),
        items=_drawn(_items(sources), item_profiles(gate, sketches / "items.svg", [sources.of])),
        learning=_drawn(_LEARNING, learning_curves(epochs, sketches / "learning.svg") if epochs else None),
        ageing=_drawn(_AGEING, longevity_figure(ageing, sketches / "ageing.svg") if several else None),
    )


def _drawn(words: tuple[str, str], file: Path | None) -> Drawing | None:
    """`words`: title and caption."""
    return None if file is None else Drawing(*words, inline(file))


_COMPARISON = (
    "Hits and variety",
    "Up: more users find what they take next. To the right: more of the range is shown, and lists differ "
    "more from user to user. Bars are one standard error.",
)
_LEARNING = (
    "How the nets learned",
    "Training loss falls as long as a net learns its data; the epoch with the most hits on validation is "
    "kept.",
)
_AGEING = (
    "How champions age",
    "Champions of earlier nights, asked about later arrivals. Bars are one standard error.",
)


def _items(sources: Sources) -> tuple[str, str]:
    """Title and caption, with the figures of one model in words."""
    own = sources.evaluations.get(sources.of)
    said = "" if own is None or own.profile is None else profile_words(sources.of, own.profile)
    rest = "Bands are 1.96 standard errors; the dashed line is the plain mean over all items."
    return "The items that are recommended", f"{said} {rest}".strip()
