"""What a night leaves to read: the comparison, the verdict, the costs, the way to everything."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from hm_pipeline.config import FLOORS
from hm_pipeline.data import drift_report
from hm_pipeline.data.drift_report import DriftReport
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.errors import RegistryError
from hm_pipeline.evaluation import longevity
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.evaluation.plots import comparison_figure, longevity_figure
from hm_pipeline.evaluation.table import Table, comparison, markdown
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.storage import find
from tasks import events, tracking
from tasks.artifacts import leave
from tasks.drift import drift_notes, load_drift
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept
from tasks.tables import costs, evaluations
from tasks.watched import StageCost, Watched, stage_costs, stages_markdown


class Outcome(Frozen):
    """A night, told to a person."""

    market: str
    day: date
    profile: str
    users_asked: int
    verdict: str  # in words
    ledger_entry: int  # that holds it
    champion: ModelRef | None  # in office after this night, as far as this day decides
    table: Table
    prices: dict[str, float]  # of each fit, in `currency`
    currency: str
    lists: str | None  # folder or uri with lists.parquet and default.parquet
    published_hr: float | None
    notes: tuple[str, ...]
    drift: DriftReport | None = None  # of the newest day; None in reports of older code
    ageing: tuple[Pooled, ...] = ()  # the champions' HR by age, of all nights so far
    stages: tuple[StageCost, ...] = ()  # what each stage took
    reused: bool = False  # everything was there already


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
    """The night's Outcome, with its figures and a markdown page beside it in storage and in Prefect."""
    gate, moved = evaluations(run, scores, own), load_drift(watched.drift)
    stages = stage_costs([*watched.stages, lists])
    with suppress(RegistryError):  # the night is committed, and seconds are not worth failing it
        tracking.log_stages(run, stages)
    if moved.stopping:
        events.drifted(run.market, run.day, "; ".join(drift_notes(moved)))
    outcome = Outcome(
        market=run.market,
        day=run.day,
        profile=run.config.profile,
        users_asked=max(e.n for e in gate.values()),
        verdict=decision.verdict.reason,
        ledger_entry=decision.seq,
        champion=champion,
        table=comparison(gate, costs(fits)),
        currency=next(iter(run.config.pools.values())).currency,
        prices={kind: stored.facts["price"] for kind, stored in fits.items()},
        lists=None if lists is None else _place(lists),
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
    stored = kept(
        run,
        "report",
        [run.digest, decision.seq],
        ("evaluation",),
        lambda folder: _write(folder, outcome, gate),
    )
    told = read(stored)
    leave(run, page(told), told.table)
    return told


def _floor_note(gate: Mapping[str, Evaluation], champion: ModelRef | None) -> list[str]:
    """A floor that nobody beat on the arrivals is said plainly, also where the gate waits for proof."""
    hr = {kind: e.metrics["hr"].mean or 0.0 for kind, e in gate.items()}
    best = max(hr, key=lambda kind: hr[kind])
    if best not in FLOORS or (champion is not None and champion.kind == best):
        return []
    return [
        f"{best}, a floor, was best on these arrivals (hr {hr[best]:.3f}); the gate chooses on validation"
    ]


def _place(lists: Stored[pl.DataFrame]) -> str:
    """Where the files themselves lie."""
    manifest = find(settings().storage, lists.prefix)
    return f"{settings().root}/{manifest.folder if manifest else lists.prefix}"


def find_outcome(decision: Decision, market: str) -> Outcome | None:
    """The stored Outcome of a decided day, if its report was written."""
    keys = settings().storage.keys(f"{market}/{decision.day}/report")
    for entry in keys:
        if entry.key.endswith("/manifest.json"):
            outcome = read(Stored(prefix=entry.key.removesuffix("/manifest.json")))
            if outcome.ledger_entry == decision.seq:
                return outcome.model_copy(update={"reused": True})
    return None


def read(stored: Stored[Outcome]) -> Outcome:
    """What `report` stored."""
    return Outcome.model_validate_json((stored.folder() / "outcome.json").read_text())


def _write(folder: Path, outcome: Outcome, gate: Mapping[str, Evaluation]) -> dict[str, Any]:
    (folder / "outcome.json").write_text(json.dumps(outcome.model_dump(mode="json"), indent=1))
    (folder / "report.md").write_text(page(outcome))
    comparison_figure(gate, folder / "comparison.png")
    if outcome.ageing:
        longevity_figure(outcome.ageing, folder / "longevity.png")
    return {}


def page(outcome: Outcome) -> str:
    """The outcome as markdown."""
    notes = "".join(f"- {note}\n" for note in outcome.notes)
    return (
        f"# {outcome.market} · {outcome.day}\n\n{outcome.verdict}\n\n{markdown(outcome.table)}\n"
        f"{outcome.users_asked:,} users asked; profile `{outcome.profile}`.\n\n{notes}"
        f"{_watched(outcome)}"
    )


def _watched(outcome: Outcome) -> str:
    """What there is of drift, ageing and stages, each under its heading."""
    parts = {
        "The newest day": outcome.drift and drift_report.markdown(outcome.drift),
        "How champions age": outcome.ageing and longevity.markdown(outcome.ageing),
        "What it took": outcome.stages and stages_markdown(outcome.stages, outcome.currency),
    }
    return "".join(f"\n## {title}\n\n{part}" for title, part in parts.items() if part)
