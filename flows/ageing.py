"""How fast models age: each day's models on the arrivals of that day and of all later ones.

    declare ─┬─ each day: extract ─ samples ─┬─ train each model ─ evaluate, young and old ─ ageing ─ MLflow
             └─ a day without arrivals is passed over

A day's samples and models are its night's, so that what a night has fitted is not fitted again.
"""

from collections.abc import Sequence
from datetime import date

from flows.dispatch import fitted
from hm_pipeline.config import RunConfig
from hm_pipeline.errors import EmptyWindowError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Step
from hm_pipeline.studies.ageing import Ageing
from hm_pipeline.studies.longevity import LongevityStudy
from hm_pipeline.studies.variants import configured
from tasks.ageing import Meeting, Night, meetings, night_of, read_ageing, reports, run_of, settle_ageing
from tasks.ageing_log import log_ageing
from tasks.deadline import LATE
from tasks.evaluate import evaluate_release
from tasks.progress import tell
from tasks.stage import Stored
from tasks.study_log import show_study


def follow(study: LongevityStudy, config: RunConfig, day: date) -> Ageing:
    """The study's models from their first day to the last before `day`."""
    config = configured(study, config)
    nights, notes = _nights(study, config, day)
    met = meetings(study.models, nights)
    fits = fitted([one.order for one in met])
    scores = _scores(met, fits, (config.publish.gate_target,))
    run = run_of(config, day, nights)
    settled = settle_ageing(run, study, notes, reports(met, fits, scores))
    told = read_ageing(settled)
    log_ageing(run, told, settled)
    show_study(run, told)
    return told


def _scores(
    met: Sequence[Meeting], fits: Sequence[Stored[Release]], holdouts: tuple[str, ...]
) -> list[Stored[Evaluation]]:
    """Every meeting's, one after the other: there are hundreds, so their number is told."""
    scores = list[Stored[Evaluation]]()
    for one, fit in zip(met, fits, strict=True):
        scores.append(evaluate_release(one.asked.run, one.asked.samples, fit, one.kind, holdouts))
        note = f"{one.kind} of {one.own.day} on {one.asked.day}"
        tell(Step("young and old", len(scores), len(met), note))
    return scores


def _nights(study: LongevityStudy, config: RunConfig, day: date) -> tuple[list[Night], list[str]]:
    """Those that ask somebody, oldest first, and why others do not. EmptyWindowError with less than two."""
    nights, notes = list[Night](), list[str]()
    for asked in study.days(day):
        try:
            nights.append(night_of(config, asked))
        except (*LATE, EmptyWindowError) as error:
            notes.append(f"{asked}: {error}")
    if len(nights) < 2:
        told = "; ".join(notes)
        raise EmptyWindowError(f"study {study.name}: {len(nights)} days with arrivals, nothing ages: {told}")
    return nights, notes
