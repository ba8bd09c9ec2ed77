"""The gate's numbers as sentences that a shopkeeper can follow."""

from collections.abc import Mapping

from hm_pipeline.registry.night import Candidate, Champion, GateConfig, Night, Trial, Verdict


def too_old(night: Night, newest: str) -> Verdict:
    """The verdict on a day that comes after a newer one was decided."""
    reason = (
        f"{newest} is decided already and is newer than {night.day}: an older day never replaces a "
        "newer champion. Its models and figures are kept, no alias and no pointer moves."
    )
    return Verdict(day=night.day, promote=False, winner=None, step="older day", reason=reason)


def heir_words(trial: Trial | None, champion: Champion, config: GateConfig) -> str:
    """Step 1 in words."""
    if trial is None:
        return f"no candidate of the champion's kind {champion.kind} met it tonight"
    outcome = "within" if trial.passed else "worse by more than"
    return (
        f"the fresh {champion.kind} differs from the champion of {champion.day} by {_difference(trial)}: "
        f"{outcome} the margin of {config.margin:.4f}"
    )


def rival_words(trial: Trial | None, streak: int, config: GateConfig) -> str:
    """Step 2 in words."""
    if trial is None:
        return "no other kind could meet it"
    said = (
        f"the best other kind on validation, {trial.challenger}, differs from {trial.incumbent} by "
        f"{_difference(trial)} over {trial.nights} pooled night{'s' * (trial.nights > 1)}"
    )
    if not trial.passed:
        return f"{said}: {_missed(trial, config)}"
    if not streak:
        return f"{said}: enough, but a night on which nothing can be promoted does not count"
    if streak < config.nights_running:
        return f"{said}: enough, on night {streak} of the {config.nights_running} running that are asked for"
    return f"{said}: enough for {streak} nights running, so {trial.challenger} replaces {trial.incumbent}"


def _missed(trial: Trial, config: GateConfig) -> str:
    """Why a trial was not passed."""
    if trial.se is None:
        return "too few users to know its error"
    if trial.mean <= 0:
        return "not better"
    return f"{trial.needed:.4f} ({config.z} standard errors) would have been needed"


def floor_words(winner: str, night: Night, stops: Mapping[str, list[str]]) -> str:
    """Said only where a floor is in office, and not because what was better was stopped."""
    candidate = night.candidates.get(winner)
    if candidate is None or not candidate.floor:
        return ""
    least = candidate.validation_hr or 0.0
    stopped = [night.candidates[kind] for kind, why in stops.items() if why]
    if any(not other.floor and (other.validation_hr or 0.0) > least for other in stopped):
        return ""
    return f"said plainly: {winner} is a floor, and no trained model has shown to be better than it"


def stop_words(stops: Mapping[str, list[str]]) -> list[str]:
    """Whom a hold or a guard rail stopped."""
    return [f"could not be promoted: {kind}, {'; '.join(why)}" for kind, why in stops.items() if why]


def _difference(trial: Trial) -> str:
    error = "unknown" if trial.se is None else f"{trial.se:.4f}"
    return f"{trial.mean:+.4f} HR (standard error {error}, {trial.users} users)"


def figures(candidate: Candidate) -> str:
    """A candidate's hit rates."""
    arrivals = "" if candidate.hr is None else f", HR {candidate.hr:.4f} on the arrivals"
    return f"HR {candidate.validation_hr:.4f}{arrivals}"


def sentences(*parts: str) -> str:
    """The parts that say something, as sentences."""
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)
