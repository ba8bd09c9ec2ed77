"""An answer of either kind, as people read it."""

from pathlib import Path
from typing import assert_never

from hm_pipeline.studies import ageing_figure, ageing_table, figure, table
from hm_pipeline.studies.ageing import Ageing
from hm_pipeline.studies.ageing_words import sentences
from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.words import sentence

Told = Answer | Ageing


def page(told: Told) -> str:
    """All of it as markdown."""
    match told:
        case Answer():
            return table.markdown(told)
        case Ageing():
            return ageing_table.markdown(told)
        case _:
            assert_never(told)


def drawn(told: Told, file: Path) -> Path:
    """Its figure."""
    match told:
        case Answer():
            return figure.figure(told, file)
        case Ageing():
            return ageing_figure.figure(told, file)
        case _:
            assert_never(told)


def note(told: Told) -> str:
    """What was found, in a few words."""
    match told:
        case Answer():
            return sentence(told)
        case Ageing():
            return " ".join(sentences(told))
        case _:
            assert_never(told)
