"""What keeps a candidate from promotion whatever its hit rate: holds and guard rails."""

from hm_pipeline.data.drift_report import DriftReport, words
from hm_pipeline.registry.night import GateConfig, Night


def night_stops(night: Night, config: GateConfig) -> list[str]:
    """Reasons, in words, why nothing at all is promoted tonight; empty where there is none."""
    reasons = []
    if night.targets < config.min_targets:
        reasons.append(f"{night.targets} users arrived, {config.min_targets} are needed to tell models apart")
    return reasons + _drifted(night.drift)


def candidate_stops(kind: str, night: Night, config: GateConfig) -> list[str]:
    """Reasons, in words, why this candidate cannot be promoted tonight."""
    candidate = night.candidates[kind]
    return [
        *_holds(kind, night),
        *_too_low("coverage", candidate.coverage, config.min_coverage),
        *_too_low("personalization", candidate.personalization, config.min_personalization),
        *_too_high("category mix distance", candidate.mix_distance, config.max_mix_distance),
    ]


def _drifted(report: DriftReport | None) -> list[str]:
    """Each measure of the newest day that is far from usual and configured to stop a promotion."""
    if report is None:
        return []
    return [f"the data of {report.day} drifted: {words(finding)}" for finding in report.stopping]


def _holds(kind: str, night: Night) -> list[str]:
    if kind in night.held_kinds:
        return ["its kind was rolled back and is held until it is released by hand"]
    return []


def _too_low(name: str, value: float | None, least: float | None) -> list[str]:
    if least is None or (value is not None and value >= least):
        return []
    return [f"{name} {_shown(value)}, at least {least:.4f} is asked for"]


def _too_high(name: str, value: float | None, most: float | None) -> list[str]:
    if most is None or (value is not None and value <= most):
        return []
    return [f"{name} {_shown(value)}, at most {most:.4f} is tolerated"]


def _shown(value: float | None) -> str:
    """A rail that could not be measured is a breach: nothing is promoted on trust."""
    return "was not measured" if value is None else f"is {value:.4f}"
