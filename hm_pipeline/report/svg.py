"""A figure of matplotlib as a part of an HTML page."""

import re
from pathlib import Path

from markupsafe import Markup

_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_GROUP_NAME = re.compile(
    r'<g id="[^"]*"'
)  # figure_1, axes_1: the same in every figure, and never referred to
_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')


def inline(file: Path) -> Markup:
    """The svg element of the file: no prologue, no names of its parts, as wide as its place."""
    text = file.read_text(encoding="utf-8")
    text = _METADATA.sub("", text[text.index("<svg") :])
    return Markup(_GROUP_NAME.sub("<g", _SIZE.sub("", text, count=2)))
