"""Looking before starting: a day that stands needs no orchestrator."""

from datetime import date

from tasks.commit import publish
from tasks.erase_list import erase_list
from tasks.office import standing
from tasks.prepare import prepare
from tasks.report import Outcome


def already(market: str, day: date, redo: bool) -> Outcome | None:
    """The outcome of a day that is decided, repaired where a kill left it unpublished; None: run it."""
    if erase_list(market):
        return None
    run = prepare.fn(market, day, None, redo)
    stands = standing(run)
    if stands is not None:
        publish.fn(market)
    return stands
