"""Which code made something: part of every stage's address, so that new code never serves old results."""

import hashlib
import os
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import hm_pipeline

_LIBRARY = Path(hm_pipeline.__file__).parent
_BEHIND = ("polars", "numpy", "torch", "implicit", "annoy", "faiss-cpu")  # a new version may give other bytes


@cache
def code_digest(*rooms: str) -> str:
    """Twelve hex digits of these rooms of the library, the tasks around them, and the libraries beneath.

    Torch's build for a CPU and its build for a GPU are one version: a night asks for a model on a machine
    without a GPU, and another machine, with one, answers.
    """
    content = hashlib.sha256(hm_pipeline.__version__.encode())
    for name in _BEHIND:
        content.update(f"{name}={version(name).partition('+')[0]};".encode())
    for room in (*rooms, "errors.py", "frozen.py", "markdown.py", "progress.py"):
        for file in _sources(room):
            content.update(file.relative_to(_LIBRARY).as_posix().encode() + file.read_bytes())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        content.update(file.name.encode() + file.read_bytes())
    return content.hexdigest()[:12]


@cache
def revision() -> str:
    """The git revision of the checkout, `+` where it was changed; the package's version elsewhere.

    An image has no checkout: it was told at its building, by HM_REVISION.
    """
    if told := os.environ.get("HM_REVISION"):
        return told
    try:
        if Path(_git("rev-parse", "--show-toplevel")) != _LIBRARY.parent:
            return hm_pipeline.__version__  # installed inside somebody else's checkout
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return hm_pipeline.__version__


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=_LIBRARY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _sources(room: str) -> list[Path]:
    place = _LIBRARY / room
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
