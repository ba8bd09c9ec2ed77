"""Yesterday's lists, marked where today's are not there: readers go on with them and know it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from prefect.exceptions import CancelledRun

from hm_pipeline.config import RunConfig
from hm_pipeline.errors import (
    ConflictError,
    HmPipelineError,
    LateDataError,
    MissingPartitionsError,
    PublishError,
)
from hm_pipeline.storage import look, move
from tasks import events, ledger
from tasks.commit import show
from tasks.deadline import has_begun, has_passed
from tasks.settings import settings

log = logging.getLogger("hm")
_TOLD = (LateDataError, MissingPartitionsError, PublishError)  # their messages name no user


@contextmanager
def marking_stale(market: str, day: date) -> Iterator[None]:
    """Mark the lists shown where what is done here ends otherwise than well; the error goes on.

    A person's Ctrl-C marks nothing. Where marking fails as well, that is logged and the first error stands.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        try:
            mark_stale(market, day, _reason(error))
        except Exception:
            log.exception("market %s: its lists could not be marked stale", market)
        raise


def mark_stale(market: str, day: date, reason: str) -> bool:
    """Write into `latest.json` that the lists of `day` were expected; whether that was new.

    Nothing is marked where the day is decided or older than a decided one, where its lists or newer ones
    are shown or expected, where none are shown, and where the day is still to come.
    """
    now = ledger.current(market)
    if day in now.decisions:
        show(market, now)  # it may have died between the ledger and the pointer
        return False
    if (now.newest is not None and day < now.newest) or not has_begun(day):
        return False
    if not _mark(market, day, reason):
        return False
    log.warning("market %s: the lists shown are stale, those of %s are missing: %s", market, day, reason)
    events.lists_stale(market, day, reason)
    return True


def mark_if_late(config: RunConfig, day: date) -> bool:
    """Mark what a night that was killed outright could not: its deadline is over and no lists came."""
    if not has_passed(config, day):
        return False
    by = config.publish.publish_by
    return mark_stale(config.market.name, day, f"no night of {day} came to its end by {by}")


def _mark(market: str, day: date, reason: str) -> bool:
    for last in (False, False, True):
        seen = look(settings().storage, f"{market}/latest.json")
        if seen.value is None or not _is_behind(seen.value, day):
            return False
        try:
            stale = {"expected": str(day), "reason": reason}
            move(settings().storage, seen, {**seen.value, "stale": stale})
        except ConflictError:  # another run moved it: look again at what it says now
            if last:
                raise
        else:
            break
    return True


def _is_behind(shown: dict[str, Any], day: date) -> bool:
    expected = shown.get("stale", {}).get("expected", "")
    return max(str(shown["day"]), str(expected)) < str(day)


def _reason(error: BaseException) -> str:
    """For readers outside: what a kind of error means; its own words only where they name no user."""
    kind = type(error)
    if isinstance(error, _TOLD):
        return f"{kind.__name__}: {error}"
    if isinstance(error, HmPipelineError):
        return f"{kind.__name__}: {(kind.__doc__ or '').strip()}"
    if not isinstance(error, Exception) or isinstance(error, CancelledRun):  # a signal, or its result
        return f"{kind.__name__}: the run was ended from outside: cancelled, or its process was told to stop"
    return f"{kind.__name__}: the run ended by a fault of its own; see its log"
