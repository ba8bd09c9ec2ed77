"""What happened to a market's lists, told to Prefect as events that automations listen to.

hm.lists.published   new lists are shown                     day, kind, seconds since the run began
hm.lists.stale       a day's lists were not made in time     day, reason
hm.drift             drift of the data stopped a promotion   day, reason

Where no run and no server is there to listen nothing is sent, and no server is started for it.
"""

from datetime import UTC, date, datetime
from typing import Any

from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL


def lists_published(market: str, day: date, kind: str) -> None:
    """`latest` shows the lists of a run date, made by a model of this kind."""
    _emit("hm.lists.published", market, day=str(day), kind=kind, seconds=_seconds())


def lists_stale(market: str, day: date, reason: str) -> None:
    """`latest` still shows older lists."""
    _emit("hm.lists.stale", market, day=str(day), reason=reason)


def drifted(market: str, day: date, reason: str) -> None:
    """The newest day was too far from usual for anybody to be promoted."""
    _emit("hm.drift", market, day=str(day), reason=reason)


def _emit(event: str, market: str, **payload: Any) -> None:
    if FlowRunContext.get() is None and PREFECT_API_URL.value() is None:
        return
    resource = {"prefect.resource.id": f"hm.market.{market}", "prefect.resource.name": market}
    emit_event(event, resource, payload=payload)


def _seconds() -> float | None:
    """Since the run began that this happens in; None outside of one."""
    context = FlowRunContext.get()
    return None if context is None else (datetime.now(UTC) - context.start_time).total_seconds()
