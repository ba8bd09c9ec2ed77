"""Looking before starting: a day that stands needs no orchestrator."""

from datetime import date

from tasks.commit import publish
from tasks.erasure import to_forget
from tasks.office import standing
from tasks.prepare import prepare, resolve
from tasks.report import Outcome


def already(market: str, day: date, redo: bool) -> Outcome | None:
    """The outcome of a day that is decided, repaired where a kill left it unpublished; None: run it.

    A day is also run where somebody new asked to be forgotten: the run begins with that.
    """
    if to_forget(market):
        return None
    publish.fn(market)
    return standing(prepare.fn(resolve.fn(market, None), day, redo))
