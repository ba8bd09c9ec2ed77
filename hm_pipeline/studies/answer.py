"""What a study found: every setting with its figures, and its difference to the reference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from pydantic import model_validator

from hm_pipeline.config import RunConfig
from hm_pipeline.data.traits import Traits
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.item_profile import ItemProfile
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.by_user import users_error
from hm_pipeline.studies.identifiable import unidentifiable
from hm_pipeline.studies.older import upgraded
from hm_pipeline.studies.recall import AnnRecall, recall
from hm_pipeline.studies.setting import Setting, has_chance, reference_of, settings_of
from hm_pipeline.studies.statistics import Gap, Spread, gap, spread
from hm_pipeline.studies.study import Study


@dataclass(frozen=True, eq=False)
class Measured:
    """One fitted variant; two whose fits are one and the same are one repetition."""

    setting: Setting
    seed: int
    fit: str  # which fit it was
    seconds: float
    evaluation: Evaluation
    cut: bool = False  # by the clock of the night that had fitted it
    facts: Mapping[str, float] = field(default_factory=dict)  # what its fit reports


class Line(Frozen):
    """One setting."""

    setting: Setting
    label: str
    figures: dict[str, Spread] = {}  # by metric; empty where it was not identifiable
    gaps: dict[str, Gap] = {}  # to the reference, by metric; empty for the reference itself
    thesis: dict[str, float] = {}  # what the thesis has, in its own units
    seconds: float | None = None  # to fit, on average
    not_identifiable: str = ""  # why
    cut: bool = False  # a night's clock had ended a fit of it
    profile: ItemProfile | None = None  # of what its first fit recommends
    question: str = ""  # who was asked what, with which vocabulary; empty: nobody, or an answer of older code
    ann: AnnRecall | None = None  # of its approximate searches; null: they are exact, or older code


class Answer(Frozen):
    """All of a study on one market and day."""

    study: Study
    market: str
    day: date
    profile: str
    k: int
    holdout: str
    users: int  # asked
    traits: Traits  # of the log; of the first one where an axis changes it
    logs: dict[str, Traits] = {}  # of each by its label, where an axis changes it
    lines: tuple[Line, ...]

    @model_validator(mode="before")
    @classmethod
    def _as_of_today(cls, content: Any) -> Any:
        return upgraded(content)

    def line(self, setting: Setting) -> Line:
        """Of a setting."""
        return next(line for line in self.lines if line.setting == setting)

    def reference(self, line: Line) -> Line:
        """What a line is compared with."""
        return self.line(reference_of(self.study, line.setting))

    @property
    def asked_alike(self) -> bool:
        """Whether all were asked the same, with the same vocabulary."""
        asked = {line.question for line in self.lines if line.figures}
        if asked == {""}:  # of older code: only what an axis changes is known
            return not any(line.setting.log(self.study) for line in self.lines)
        return len(asked) < 2


def answer(
    study: Study,
    config: RunConfig,
    day: date,
    holdout: str,
    traits: Traits,
    found: Sequence[Measured],
    logs: Mapping[str, Traits] | None = None,
) -> Answer:
    """The answer of what was measured; settings that their log cannot tell apart say why.

    `logs`: where an axis changes the log, what each can tell, by `Setting.log`.
    """
    why_not = unidentifiable(study, traits, logs)
    return Answer(
        study=study,
        market=config.market.name,
        day=day,
        profile=config.profile,
        k=config.publish.k,
        holdout=holdout,
        users=max((one.evaluation.n for one in found), default=0),
        traits=traits,
        logs={label: known for label, known in (logs or {}).items() if label},
        lines=tuple(
            Line(setting=s, label=s.label(study), not_identifiable=why_not[s], thesis=_thesis(study, s))
            if s in why_not
            else _line(study, s, found)
            for s in settings_of(study)
        ),
    )


def _line(study: Study, setting: Setting, found: Sequence[Measured]) -> Line:
    own = _of(setting, found)
    fits = list({one.fit: one for one in own.values()}.values())
    return Line(
        setting=setting,
        label=setting.label(study),
        figures={m: spread([_mean(one, m) for one in fits]) for m in study.metrics if _has(fits, m)},
        gaps=_gaps(study, setting, found),
        thesis=_thesis(study, setting),
        seconds=float(np.mean([one.seconds for one in fits])),
        cut=any(one.cut for one in own.values()),
        profile=_first(own).evaluation.profile,
        question=_first(own).evaluation.question,
        ann=recall([one.facts for one in fits]),
    )


def first_evaluations(study: Study, found: Iterable[Measured]) -> dict[str, Evaluation]:
    """By label, in the study's order: that of each setting's lowest seed."""
    found = list(found)
    there = {setting: own for setting in settings_of(study) if (own := _of(setting, found))}
    return {setting.label(study): _first(own).evaluation for setting, own in there.items()}


def _first(own: Mapping[int, Measured]) -> Measured:
    return own[min(own)]


def _of(setting: Setting, found: Iterable[Measured]) -> dict[int, Measured]:
    """By seed."""
    return {one.seed: one for one in found if one.setting == setting}


def _gaps(study: Study, setting: Setting, found: Sequence[Measured]) -> dict[str, Gap]:
    """By metric; none of the reference itself, nor to one that was not asked."""
    own, reference = _of(setting, found), _of(reference_of(study, setting), found)
    if setting == reference_of(study, setting) or not (own and reference):
        return {}
    chance = has_chance(study, setting) or has_chance(study, reference_of(study, setting))
    both = [*own.values(), *reference.values()]
    return {m: _gap(own, reference, m, chance=chance) for m in study.metrics if _has(both, m)}


def _gap(own: Mapping[int, Measured], reference: Mapping[int, Measured], metric: str, *, chance: bool) -> Gap:
    """Paired by seed; who has no chance in it was fitted once, however many the seeds."""
    by_fit = {(own[s].fit, reference[s].fit): (own[s], reference[s]) for s in own if s in reference}
    pairs = list(by_fit.values())
    differences = [_mean(a, metric) - _mean(b, metric) for a, b in pairs]
    users_se = users_error([(a.evaluation, b.evaluation) for a, b in pairs], metric)
    return gap(differences, users_se, chance=chance)


def _mean(one: Measured, metric: str) -> float:
    mean = one.evaluation.metrics[metric].mean
    assert mean is not None
    return mean


def _has(found: Iterable[Measured], metric: str) -> bool:
    estimates = [one.evaluation.metrics.get(metric) for one in found]
    return all(estimate is not None and estimate.mean is not None for estimate in estimates)


def _thesis(study: Study, setting: Setting) -> dict[str, float]:
    if study.thesis is None:
        return {}
    label = setting.whole_label(study)
    return {m: by_label[label] for m, by_label in study.thesis.figures.items() if label in by_label}
