"""The one commit of a night, and everything that follows from it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from prefect import task

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ConflictError
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.state import State
from hm_pipeline.storage import look, move
from tasks import events, ledger, register
from tasks.code import revision
from tasks.lists import SCHEMA_VERSION
from tasks.retry import ON_STORAGE, ON_STORAGE_OR_TRACKING
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored
from tasks.standing import settles


@task(name="commit", **ON_STORAGE)
def commit(
    run: Run,
    seen: int,
    samples: Stored[Samples],
    verdict: Verdict,
    versions: Mapping[str, ModelRef],
    lists: Stored[pl.DataFrame] | None,
) -> Decision:
    """One ledger object. Whoever comes second for the same day and inputs gets the first one's.

    `seen` is the last ledger entry that the verdict knew. ConflictError where something was decided,
    rolled back or released since: the verdict would undo it.
    """
    now = ledger.current(run.market)
    stands = now.decisions.get(run.day)
    if settles(stands, run):
        return stands
    ledger.require_unchanged(run.market, seen)
    decision = Decision(
        seq=now.seq + 1,
        day=run.day,
        run_digest=run.digest,
        verdict=verdict,
        champion=versions[verdict.promoted] if verdict.promoted else None,
        challenger=_challenger(verdict, versions),
        lists=lists and lists.prefix,
        code=revision(),
        data=samples.facts["digest"],
    )
    try:
        ledger.append(run.market, decision)
    except ConflictError:
        stands = ledger.current(run.market).decisions.get(run.day)
        if not settles(stands, run):
            raise
        return stands
    return decision


def _challenger(verdict: Verdict, versions: Mapping[str, ModelRef]) -> ModelRef | None:
    """The best other kind, unless it is champion now."""
    rival = verdict.challenger
    return None if rival is None or rival == verdict.promoted else versions[rival]


@task(name="publish", **ON_STORAGE_OR_TRACKING)
def publish(market: str) -> State:
    """Make aliases and the `latest` pointer say what the ledger says; also the repair of a killed run."""
    show(market, ledger.current(market))  # first: readers depend on it, and nobody on the aliases
    return register.align_aliases(market)


def show(market: str, now: State) -> None:
    """Move `latest`, and tell of it."""
    moved = move_latest(market, now)
    if moved and now.lists_day and now.champion:
        events.lists_published(market, now.lists_day, now.champion.kind)


def move_latest(market: str, now: State) -> bool:
    """`{market}/latest.json` shows the ledger's lists, never those of an older entry; whether it moved.

    A newer day's lists take away the mark that a day was missing; a rollback's leave it.
    """
    if now.lists is None:
        return False
    content = {
        "schema_version": SCHEMA_VERSION,
        "market": market,
        "day": str(now.lists_day),
        "manifest": f"{now.lists}/manifest.json",
        "ledger": now.seq,
    }
    for last in (False, False, True):
        seen = look(settings().storage, f"{market}/latest.json")
        shows = seen.value or {}
        if shows.get("manifest") == content["manifest"] or shows.get("ledger", 0) > now.seq:
            return False
        try:
            move(settings().storage, seen, content | _still_stale(shows, now.lists_day))
        except ConflictError:  # another run moved it: look again at what it says now
            if last:
                raise
        else:
            return True
    raise AssertionError("the last try returns or raises")


def _still_stale(shows: dict[str, Any], day: date | None) -> dict[str, Any]:
    return {"stale": shows["stale"]} if "stale" in shows and str(day) <= shows["day"] else {}
