"""The one commit of a night, and everything that follows from it."""

import json
from collections.abc import Mapping
from typing import TypeGuard

import polars as pl
from prefect import task

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import ConflictError, NotThereError
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.state import State
from tasks import ledger, register
from tasks.code import revision
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored


@task(name="commit", **ON_STORAGE)
def commit(
    run: Run,
    samples: Stored[Samples],
    verdict: Verdict,
    versions: Mapping[str, ModelRef],
    lists: Stored[pl.DataFrame] | None,
) -> Decision:
    """One ledger object. Whoever comes second for the same day and inputs gets the first one's."""
    now = ledger.current(run.market)
    stands = now.decisions.get(run.day)
    if _settles(stands, run):
        return stands
    decision = Decision(
        seq=now.seq + 1,
        day=run.day,
        run_digest=run.digest,
        verdict=verdict,
        champion=versions[verdict.winner] if verdict.promote and verdict.winner else None,
        challenger=versions.get(verdict.challenger or ""),
        lists=None if lists is None else lists.prefix,
        code=revision(),
        data=samples.facts["digest"],
    )
    try:
        ledger.append(run.market, decision)
    except ConflictError:
        stands = ledger.current(run.market).decisions.get(run.day)
        if not _settles(stands, run):
            raise
        return stands
    return decision


def _settles(stands: Decision | None, run: Run) -> TypeGuard[Decision]:
    """Whether the day is decided already: from the same inputs, or nobody asked to decide it again."""
    return stands is not None and (stands.run_digest == run.digest or not run.redo)


@task(name="publish", **ON_STORAGE)
def publish(market: str) -> State:
    """Make aliases and the `latest` pointer say what the ledger says; also the repair of a killed run."""
    now = ledger.current(market)
    register.align_aliases(market, now)
    move_latest(market, now)
    return now


def move_latest(market: str, now: State) -> None:
    """`{market}/latest.json` shows the ledger's lists; never those of an older ledger entry."""
    if now.lists is None:
        return
    storage, key = settings().storage, f"{market}/latest.json"
    content = {
        "schema_version": 1,
        "market": market,
        "day": str(now.lists_day),
        "manifest": f"{now.lists}/manifest.json",
        "ledger": now.seq,
    }
    wanted = json.dumps(content, indent=1).encode()
    for _ in range(5):
        try:
            shown, version = storage.read_versioned(key)
        except NotThereError:
            shown, version = b"{}", None
        shows = json.loads(shown)
        if shows.get("manifest") == content["manifest"] or shows.get("ledger", 0) > now.seq:
            return
        if storage.replace(key, wanted, version):
            return
    raise ConflictError(
        f"{storage.uri}/{key} kept changing: another run of {market} is publishing; run again"
    )
