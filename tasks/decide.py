"""What the gate is told, and its verdict."""

from collections.abc import Mapping
from datetime import date

from prefect import task

from hm_pipeline.data.drift_report import DriftReport
from hm_pipeline.errors import ModelError
from hm_pipeline.evaluation.estimate import UNKNOWN
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.floors import FLOORS
from hm_pipeline.evaluation.paired import Difference, paired
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.promotion import Candidate, Champion, Night, Verdict, decide
from hm_pipeline.registry.state import before
from tasks import ledger
from tasks.drift import load_drift
from tasks.evaluate import Incumbent, load_evaluation
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.stage import Stored

Scores = Mapping[str, Stored[Evaluation]]


def champion_before(market: str, day: date) -> ModelRef | None:
    """The newest champion of an earlier run date: whom the candidates of `day` meet."""
    return before(ledger.entries(market), day).champion


@task(name="decide", **ON_STORAGE)
def weigh(
    run: Run,
    scores: Scores,
    incumbent: Incumbent,
    moved: Stored[DriftReport],
) -> Verdict:
    """The verdict of the night, from paired differences on the arrivals of D-1 and how D-1 itself looked.

    ModelError where the champion cannot be read and nobody may take its place: then nobody could answer.
    """
    now, past = ledger.current(run.market), before(ledger.entries(run.market), run.day)
    target = run.config.publish.gate_target
    gate = {kind: load_evaluation(stored, target) for kind, stored in scores.items()}
    champion, own = incumbent.ref, incumbent.own
    night = Night(
        day=run.day,
        targets=max(e.n for e in gate.values()),
        champion=_office(champion),
        newest=max((d for d in now.decisions if d != run.day), default=None),
        candidates={kind: _candidate(kind, scores[kind], gate[kind], target) for kind in gate},
        against_champion=_against(gate, None if own is None else load_evaluation(own, target)),
        against_heir=_against(gate, gate.get(champion.kind) if champion else None),
        drift=load_drift(moved),
        held_kinds=now.held_kinds,
    )
    return _without(incumbent.lost, decide(night, run.config.gate, past.history))


def _without(lost: str, verdict: Verdict) -> Verdict:
    """The verdict, which says why somebody in office was not met."""
    if not lost or verdict.step == "older day":
        return verdict
    if not verdict.promote:
        raise ModelError(f"{lost}; and nobody may take its place: {verdict.reason}")
    return verdict.model_copy(update={"reason": f"{lost[0].upper()}{lost[1:]}. {verdict.reason}"})


def _office(champion: ModelRef | None) -> Champion | None:
    if champion is None:
        return None
    return Champion(kind=champion.kind, day=champion.day, version=champion.version)


def _candidate(kind: str, stored: Stored[Evaluation], gate: Evaluation, target: str) -> Candidate:
    measured = {name: gate.metrics.get(name, UNKNOWN).mean for name in ("coverage", "personalization")}
    return Candidate(
        validation_hr=stored.facts["hr"]["validation"],
        hr=gate.metrics["hr"].mean,
        mix_distance=stored.facts["mix_distance"][target],
        floor=kind in FLOORS,
        **measured,
    )


def _against(gate: Mapping[str, Evaluation], opponent: Evaluation | None) -> dict[str, Difference]:
    return {} if opponent is None else {kind: paired(e, opponent) for kind, e in gate.items()}
