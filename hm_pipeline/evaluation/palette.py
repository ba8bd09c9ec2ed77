"""One colour and one marker a model, the same in every figure and every night; safe for the colour-blind.

The colours are those of Okabe and Ito (2008) and of Paul Tol's notes (2021). Neighbours in a family look
alike on purpose: matrix factorisation is orange, nets are blue to violet, what counts pairs is green.
"""

from collections.abc import Iterable
from dataclasses import dataclass

INK, GREY, PALE = "#22262b", "#6b7480", "#c9ced6"


@dataclass(frozen=True)
class Style:
    """How a model is drawn."""

    colour: str
    marker: str  # of matplotlib


STYLES = {
    "popularity": Style("#8c8c8c", "s"),
    "repeat": Style("#b8a13a", "D"),
    "markov": Style("#999933", "<"),
    "itemknn": Style("#117733", "^"),
    "als": Style("#e69f00", "v"),
    "aals": Style("#d55e00", "P"),
    "rnn": Style("#88ccee", "<"),
    "lstm": Style("#0072b2", "o"),
    "gru": Style("#332288", "h"),
    "attention": Style("#cc79a7", ">"),
    "transformer": Style("#882255", "X"),
    "blend": Style("#44aa99", "p"),
    "champion": Style(INK, "*"),
}
_SPARE = tuple(  # neighbours unlike each other
    STYLES[name]
    for name in (
        "lstm",
        "als",
        "itemknn",
        "attention",
        "rnn",
        "aals",
        "transformer",
        "blend",
        "gru",
        "repeat",
        "markov",
    )
)

# of the values of an attribute: light enough for words on them, and unlike the models' colours
VALUES = (
    "#77aadd",
    "#ee8866",
    "#eedd88",
    "#ffaabb",
    "#99ddff",
    "#44bb99",
    "#bbcc33",
    "#aaaa00",
    "#dddddd",
)


def value_colours(attribute: str, values: Iterable[str]) -> list[str]:
    """A colour a value, in their order; where the attribute is the colour itself, that of its name, paler."""
    from matplotlib.colors import CSS4_COLORS  # noqa: PLC0415

    names = [value.lower() if attribute == "colour" else "" for value in values]
    return [
        _paler(str(CSS4_COLORS[name])) if name in CSS4_COLORS else VALUES[n] for n, name in enumerate(names)
    ]


def _paler(colour: str) -> str:
    """A fifth of the way to white."""
    from matplotlib.colors import to_hex, to_rgb  # noqa: PLC0415

    red, green, blue = to_rgb(colour)
    return to_hex((0.8 * red + 0.2, 0.8 * green + 0.2, 0.8 * blue + 0.2))


def ink_on(colour: str) -> str:
    """What can be read on it (relative luminance as of WCAG 2, without its gamma)."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415

    red, green, blue = to_rgb(colour)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else "white"


def styles(models: Iterable[str]) -> dict[str, Style]:
    """Each model's style; names that are no kind of model get those that stay, in turn."""
    models = list(models)
    free = [style for style in _SPARE if style not in {STYLES.get(model) for model in models}] or list(_SPARE)
    others = [model for model in models if model not in STYLES]
    spare = {model: free[place % len(free)] for place, model in enumerate(others)}
    return {model: STYLES.get(model) or spare[model] for model in models}
