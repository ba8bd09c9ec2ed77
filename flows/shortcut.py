"""Looking before starting: a day that stands needs no orchestrator."""

from datetime import date

from hm_pipeline.report.outcome import Outcome
from tasks.commit import publish
from tasks.erasure import to_forget
from tasks.office import standing
from tasks.prepare import prepare, resolve
from tasks.stale import marking_stale


def already(market: str, day: date, redo: bool) -> Outcome | None:
    """The outcome of a day that is decided, repaired where a kill left it unpublished; None: run it.

    A day is also run where somebody new asked to be forgotten: the run begins with that.
    """
    if to_forget(market):
        return None
    config = resolve.fn(market, None)
    publish.fn(market)
    with marking_stale(market, day):
        return standing(prepare.fn(config, day, redo))
