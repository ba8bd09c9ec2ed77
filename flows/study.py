"""A declared question, answered: every variant through the same training and evaluation as a night.

    declare ─ extract ─ samples ─┬─ train each variant ─ evaluate ─┬─ answer ─ MLflow
                                 └─ once a samples' configuration ─┘

Whatever the axis does not touch is read where it lies, also a model that a night or another study has
fitted; a study that was killed goes on with the variants that are missing. A declaration of another kind
has an order of its own: how models age is flows/ageing.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, assert_never

from prefect import flow

from flows.ageing import follow
from flows.dispatch import cancel_children, fitted
from hm_pipeline.config import RunConfig
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.traits import Traits
from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.identifiable import unidentifiable
from hm_pipeline.studies.longevity import LongevityStudy
from hm_pipeline.studies.page import Told
from hm_pipeline.studies.study import Study
from hm_pipeline.studies.variants import Variant, variants
from tasks.evaluate import evaluate_release
from tasks.gaps import require_kept
from tasks.prepare import arrived, prepare
from tasks.run import Run
from tasks.samples import build_samples
from tasks.stage import Stored
from tasks.study import Asked, declare, holdout_of, log_traits, read_answer, settle, traits_of
from tasks.study_log import log_study, show_study


@flow(name="study", flow_run_name="{name}-{market}-{day}", on_cancellation=[cancel_children])
def study(
    name: str,
    market: str,
    day: date,
    profile: str | None = None,
    fixed: dict[str, Any] | None = None,
    seeds: list[int] | None = None,
) -> Told:
    """The answer of the study deploy/studies/{name}.toml on a market's window before `day`.

    `fixed`: paths of the configuration that have another value this time, e.g. {"market.window_days": 135},
    study.KEY a key of the declaration; `seeds`: others than the study's. ConfigError for run dates past the
    market's `retention_days`: the next night would delete what it makes, while it runs.
    """
    declared, config = declare(name, market, profile, fixed or {}, seeds or [])
    match declared:
        case Study():
            require_kept(config, [day])
            return compare(declared, config, day)
        case LongevityStudy():
            require_kept(config, (asked + timedelta(days=1) for asked in declared.days(day)))
            return follow(declared, config, day)
        case _:
            assert_never(declared)


def compare(declared: Study, config: RunConfig, day: date) -> Answer:
    """Variants, asked the same."""
    planned = variants(declared, config)
    logs = _logs(declared, planned, day)
    run, known = next(iter(logs.values())).run, {label: log.known for label, log in logs.items()}
    asked = _asked(declared, planned, logs)
    fits = fitted([one.order for one in asked])
    holdout = holdout_of(declared, run)
    scores = [
        evaluate_release(one.run, one.samples, fit, one.variant.setting.model, (holdout,))
        for one, fit in zip(asked, fits, strict=True)
    ]
    settled = settle(run, declared, known, asked, fits, scores)
    told = read_answer(settled)
    log_study(run, told, settled, asked, fits, scores)
    show_study(run, told)
    return told


@dataclass(frozen=True)
class _Log:
    """A window of the market: whose run it is, and what it can tell."""

    run: Run
    window: Stored[InteractionLog]
    known: Stored[Traits]


def _logs(study: Study, planned: Sequence[Variant], day: date) -> dict[str, _Log]:
    """By `Setting.log`: one, or where an axis is a part of the market one for each of its values."""
    logs = dict[str, _Log]()
    for variant in planned:
        label = variant.setting.log(study)
        logs[label] = logs.get(label) or _log(variant, day)
    return logs


def _log(variant: Variant, day: date) -> _Log:
    run, window = arrived(prepare(variant.config, day, redo=False))
    return _Log(run, window, log_traits(run, window))


def _asked(study: Study, planned: Sequence[Variant], logs: Mapping[str, _Log]) -> list[Asked]:
    """The variants that their log can tell apart, each with its samples."""
    known = traits_of({label: log.known for label, log in logs.items()})
    why_not = unidentifiable(study, next(iter(known.values())), known)
    possible = [variant for variant in planned if variant.setting not in why_not]
    return [_with_samples(study, variant, logs[variant.setting.log(study)]) for variant in possible]


def _with_samples(study: Study, variant: Variant, log: _Log) -> Asked:
    own = log.run.model_copy(update={"config": variant.config})
    return Asked(variant=variant, run=own, samples=build_samples(own, log.window, study.protocol))
