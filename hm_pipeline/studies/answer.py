"""What a study found: every setting with its figures, and its difference to the reference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from hm_pipeline.config import RunConfig
from hm_pipeline.data.arrays import Float64
from hm_pipeline.data.traits import Traits
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.item_profile import ItemProfile
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.statistics import Gap, Spread, gap, spread
from hm_pipeline.studies.study import Study
from hm_pipeline.studies.variants import Setting, reference_of, settings_of, unidentifiable

BY_USER = ("hr", "ndcg")  # kept a user


@dataclass(frozen=True, eq=False)
class Measured:
    """One fitted variant; two whose fits are one and the same are one repetition."""

    setting: Setting
    seed: int
    fit: str  # which fit it was
    seconds: float
    evaluation: Evaluation
    cut: bool = False  # by the clock of the night that had fitted it


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


class Answer(Frozen):
    """All of a study on one market and day."""

    study: Study
    market: str
    day: date
    profile: str
    k: int
    holdout: str
    users: int  # asked
    traits: Traits
    lines: tuple[Line, ...]

    def line(self, setting: Setting) -> Line:
        """Of a setting."""
        return next(line for line in self.lines if line.setting == setting)

    def reference(self, line: Line) -> Line:
        """What a line is compared with."""
        return self.line(reference_of(self.study, line.setting))


def answer(
    study: Study, config: RunConfig, day: date, holdout: str, traits: Traits, found: Sequence[Measured]
) -> Answer:
    """The answer of what was measured; settings that the log cannot tell apart say why."""
    why_not = unidentifiable(study, traits)
    return Answer(
        study=study,
        market=config.market.name,
        day=day,
        profile=config.profile,
        k=config.publish.k,
        holdout=holdout,
        users=max((one.evaluation.n for one in found), default=0),
        traits=traits,
        lines=tuple(
            Line(setting=s, label=s.label(study), not_identifiable=why_not[s], thesis=_thesis(study, s))
            if s in why_not
            else _line(study, s, found)
            for s in settings_of(study)
        ),
    )


def _line(study: Study, setting: Setting, found: Sequence[Measured]) -> Line:
    own, reference = _of(setting, found), _of(reference_of(study, setting), found)
    compared = own and reference and setting != reference_of(study, setting)
    return Line(
        setting=setting,
        label=setting.label(study),
        figures={m: spread(_distinct(own, m)) for m in study.metrics if _has(own.values(), m)},
        gaps={m: _gap(own, reference, m) for m in study.metrics if compared and _both(own, reference, m)},
        thesis=_thesis(study, setting),
        seconds=float(np.mean([one.seconds for one in {o.fit: o for o in own.values()}.values()])),
        cut=any(one.cut for one in own.values()),
        profile=_first(own).evaluation.profile,
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


def _distinct(own: Mapping[int, Measured], metric: str) -> list[float]:
    """A value a fit: who has no chance in it was fitted once, however many the seeds."""
    return [_mean(one, metric) for one in {one.fit: one for one in own.values()}.values()]


def _gap(own: Mapping[int, Measured], reference: Mapping[int, Measured], metric: str) -> Gap:
    """Paired by seed, and by user where the metric is kept a user and both were asked the same."""
    pairs = {(own[s].fit, reference[s].fit): (own[s], reference[s]) for s in own if s in reference}
    differences = [_mean(a, metric) - _mean(b, metric) for a, b in pairs.values()]
    return gap(differences, _by_user(list(pairs.values()), metric))


def _by_user(pairs: Sequence[tuple[Measured, Measured]], metric: str) -> Float64 | None:
    questions = {one.evaluation.question for pair in pairs for one in pair}
    if metric not in BY_USER or len(questions) > 1:
        return None
    differences = [_kept(a, metric) - _kept(b, metric) for a, b in pairs]
    users_N: Float64 = np.mean(differences, axis=0)
    return users_N


def _kept(one: Measured, metric: str) -> Float64:
    kept = one.evaluation.hits if metric == "hr" else one.evaluation.ndcg
    return kept.astype(np.float64)


def _mean(one: Measured, metric: str) -> float:
    mean = one.evaluation.metrics[metric].mean
    assert mean is not None
    return mean


def _has(found: Iterable[Measured], metric: str) -> bool:
    estimates = [one.evaluation.metrics.get(metric) for one in found]
    return all(estimate is not None and estimate.mean is not None for estimate in estimates)


def _both(own: Mapping[int, Measured], reference: Mapping[int, Measured], metric: str) -> bool:
    return _has([*own.values(), *reference.values()], metric)


def _thesis(study: Study, setting: Setting) -> dict[str, float]:
    if study.thesis is None:
        return {}
    label = setting.whole_label(study)
    return {m: by_label[label] for m, by_label in study.thesis.figures.items() if label in by_label}
