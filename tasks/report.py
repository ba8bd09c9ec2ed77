"""What a night leaves to read: the comparison, the verdict, the costs, the way to everything."""

import logging
from collections.abc import Mapping
from contextlib import suppress

import polars as pl
from prefect import task

from hm_pipeline.data.log import InteractionLog
from hm_pipeline.errors import DamagedError, RegistryError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.floors import FLOORS
from hm_pipeline.evaluation.table import comparison
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.report.html import templates_digest
from hm_pipeline.report.markdown import markdown_page
from hm_pipeline.report.outcome import Outcome, StageCost
from tasks import events, pages, tracking
from tasks.artifacts import leave
from tasks.drift import drift_notes, load_drift
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept
from tasks.tables import costs, evaluations
from tasks.watched import Watched, stage_costs

log = logging.getLogger("hm")


@task(name="report", **ON_STORAGE)
def report(
    run: Run,
    window: Stored[InteractionLog],
    fits: Mapping[str, Stored[Release]],
    scores: Mapping[str, Stored[Evaluation]],
    own: Stored[Evaluation] | None,
    decision: Decision,
    champion: ModelRef | None,
    lists: Stored[pl.DataFrame] | None,
    watched: Watched,
) -> Outcome:
    """The night's Outcome, with its figures and pages beside it in storage, in MLflow and in Prefect."""
    gate, stages = evaluations(run, scores, own), stage_costs([*watched.stages, lists])
    outcome = _outcome(run, window, fits, gate, decision, champion, lists, watched, stages)
    if outcome.drift is not None and outcome.drift.stopping:
        events.drifted(run.market, run.day, "; ".join(drift_notes(outcome.drift)))
    stored = kept(
        run,
        "report",
        [run.digest, decision.seq, templates_digest()],
        ("evaluation", "report"),
        lambda folder: pages.write(folder, outcome, gate, fits),
    )
    told = pages.read(stored)
    with suppress(RegistryError):  # the night is committed, and a page is not worth failing it
        tracking.log_stages(run, stages)
        tracking.log_page(run, stored.folder() / pages.PAGE)
    leave(run, markdown_page(told), told.table)
    return told


def _outcome(
    run: Run,
    window: Stored[InteractionLog],
    fits: Mapping[str, Stored[Release]],
    gate: Mapping[str, Evaluation],
    decision: Decision,
    champion: ModelRef | None,
    lists: Stored[pl.DataFrame] | None,
    watched: Watched,
    stages: tuple[StageCost, ...],
) -> Outcome:
    moved, overtaken = load_drift(watched.drift), decision.verdict.step == "older day"
    return Outcome(
        market=run.market,
        day=run.day,
        profile=run.config.profile,
        users_asked=max(e.n for e in gate.values()),
        places=run.config.publish.k,
        target=run.config.publish.gate_target,
        verdict=decision.verdict.reason,
        overtaken=overtaken,
        ledger_entry=decision.seq,
        champion=champion,
        hit_ratios={kind: hr for kind, e in gate.items() if (hr := e.metrics["hr"].mean) is not None},
        table=comparison(gate, costs(fits)),
        currency=next(iter(run.config.pools.values())).currency,
        prices={kind: stored.facts["price"] for kind, stored in fits.items()},
        lists=lists and pages.place(lists),
        published_hr=watched.shown and watched.shown.mean,
        notes=(
            *_floor_note(gate, champion),
            *drift_notes(moved),
            *(f"longevity: {who}" for who in watched.longevity.facts["skipped"]),
            *window.facts["notes"],
        ),
        drift=moved,
        ageing=watched.ageing,
        stages=stages,
    )


def _floor_note(gate: Mapping[str, Evaluation], champion: ModelRef | None) -> list[str]:
    """A floor that nobody beat on the arrivals is said plainly, also where the gate waits for proof."""
    hr = {kind: mean for kind, e in gate.items() if (mean := e.metrics["hr"].mean) is not None}
    best = max(hr, key=lambda kind: hr[kind], default="")  # nobody arrived
    if best not in FLOORS or (champion is not None and champion.kind == best):
        return []
    return [
        f"{best}, a floor, was best on these arrivals (hr {hr[best]:.3f}); the gate chooses on validation"
    ]


def find_outcome(decision: Decision, market: str) -> Outcome | None:
    """The stored Outcome of a decided day, if its report was written and can be read."""
    keys = settings().storage.keys(f"{market}/{decision.day}/report")
    for entry in keys:
        if entry.key.endswith("/manifest.json"):
            outcome = _read(entry.key.removesuffix("/manifest.json"))
            if outcome is not None and outcome.ledger_entry == decision.seq:
                return outcome.model_copy(update={"reused": True})
    return None


def _read(prefix: str) -> Outcome | None:
    """None where it is damaged: one page is no reason to stop what looks at many days."""
    try:
        return pages.read(Stored(prefix=prefix))
    except DamagedError as error:
        log.warning("%s", error)
        return None
