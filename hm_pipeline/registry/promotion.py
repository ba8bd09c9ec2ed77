"""The gate: who is champion after a night. Pure: the same numbers give the same verdict.

    champion ──(1) tonight's candidate of its own kind replaces it, unless worse by more than `margin`
        │
    the result ──(2) the best other kind on validation replaces it, if better by `z` standard errors
        │             over the pooled last `pool_nights`, `nights_running` nights running
    the winner

A night older than the newest decided one changes nothing. See docs/definitions.md, "The gate".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hm_pipeline.evaluation.paired import Difference
from hm_pipeline.registry.night import Candidate, Champion, GateConfig, Meeting, Night, Trial, Verdict
from hm_pipeline.registry.rails import candidate_stops, night_stops
from hm_pipeline.registry.words import (
    figures,
    floor_words,
    heir_words,
    rival_words,
    sentences,
    stop_words,
    too_old,
)

__all__ = ["Candidate", "Champion", "GateConfig", "Meeting", "Night", "Trial", "Verdict", "decide"]


def decide(night: Night, config: GateConfig, history: Sequence[Verdict] = ()) -> Verdict:
    """The verdict of one night; `history` holds the verdicts of other nights, in any order."""
    decided = [night.newest] if night.newest else []
    newest = max([*decided, night.champion.day] if night.champion else decided, default=None)
    if newest is not None and night.day < newest:
        return too_old(night, newest.isoformat())
    stops = {kind: candidate_stops(kind, night, config) for kind in night.candidates}
    halted = night_stops(night, config)
    if night.champion is None:
        return _first(night, halted, stops)
    past = sorted((v for v in history if v.day < night.day and v.step != "older day"), key=lambda v: v.day)
    return _contest(_Case(night, night.champion, config, past, halted, stops))


@dataclass(frozen=True)
class _Case:
    """All that both steps look at."""

    night: Night
    champion: Champion
    config: GateConfig
    past: Sequence[Verdict]  # of decided nights before this one, oldest first
    halted: list[str]  # why nothing may be promoted
    stops: Mapping[str, list[str]]  # kind -> why it may not be promoted


def _first(night: Night, halted: list[str], stops: Mapping[str, list[str]]) -> Verdict:
    """No champion yet: validation's best that passes the guard rails."""
    words = stop_words(stops)
    best = None if halted else _best(night.candidates, [kind for kind in stops if not stops[kind]])
    if best is None:
        reason = sentences("Nobody is champion: nothing could be promoted", *halted, *words)
        return Verdict(day=night.day, promote=False, winner=None, step="stays", reason=reason)
    among = " of those that may be promoted" if words else ""
    said = f"the new champion is {best}: best on validation{among}, {figures(night.candidates[best])}"
    reason = sentences(said, *words, floor_words(best, night, stops))
    return Verdict(day=night.day, promote=True, winner=best, step="first", reason=reason)


def _contest(case: _Case) -> Verdict:
    """Both steps, told in the order in which they happen."""
    night, champion, kind = case.night, case.champion, case.champion.kind
    heir = _heir_trial(night, champion, case.config)
    inherits = heir is not None and heir.passed and not case.halted and not case.stops[kind]
    others = _others(case, night.against_heir if inherits else night.against_champion)
    rival = _best(night.candidates, [other for other in others if not case.stops[other]])
    trial = None if rival is None else _rival_trial(rival, others[rival], case)
    streak = _streak(trial, case)
    wins = streak >= case.config.nights_running
    winner = rival if rival is not None and wins else kind
    reason = sentences(
        *case.halted,
        heir_words(heir, champion, case.config),
        rival_words(trial, streak, case.config),
        *stop_words(case.stops),
        "" if wins or inherits else f"the {kind} of {champion.day} stays champion",
        "" if _is_overtaking(trial, winner, night) else floor_words(winner, night, case.stops),
    )
    return Verdict(
        day=night.day,
        promote=inherits or wins,
        winner=winner,
        step="other kind" if wins else "own kind" if inherits else "stays",
        reason=reason,
        incumbent=kind,
        challenger=rival,
        trials=tuple(t for t in (heir, trial) if t is not None),
        meetings={k: Meeting(difference=d, passed=streak > 0 and k == rival) for k, d in others.items()},
    )


def _is_overtaking(trial: Trial | None, winner: str, night: Night) -> bool:
    """Whether a trained model has shown to be better than the winner, and only wants nights."""
    if trial is None or not trial.passed or trial.challenger == winner:
        return False
    return not night.candidates[trial.challenger].floor


def _others(case: _Case, table: Mapping[str, Difference]) -> dict[str, Difference]:
    """Tonight's candidates of other kinds that were compared with the result of step 1."""
    kind, candidates = case.champion.kind, case.night.candidates
    return {k: d for k, d in table.items() if k != kind and k in candidates and d.n}


def _heir_trial(night: Night, champion: Champion, config: GateConfig) -> Trial | None:
    """Step 1: not worse than the champion by more than the margin."""
    difference = night.against_champion.get(champion.kind, Difference())
    if champion.kind not in night.candidates or difference.mean is None:
        return None
    return Trial(
        challenger=champion.kind,
        incumbent=champion.kind,
        step="own kind",
        mean=difference.mean,
        se=difference.se,
        needed=-config.margin,
        users=difference.n,
        nights=1,
        passed=difference.mean >= -config.margin,
    )


def _rival_trial(rival: str, tonight: Difference, case: _Case) -> Trial:
    """Step 2: better by z standard errors over the pooled nights in which these two kinds met."""
    earlier = case.config.pool_nights - 1
    recent = case.past[max(len(case.past) - earlier, 0) :]
    incumbent = case.champion.kind
    met = [v.meetings[rival].difference for v in recent if v.incumbent == incumbent and rival in v.meetings]
    pooled = sum(met, tonight)
    mean, se = pooled.mean or 0.0, pooled.se
    needed = case.config.z * (se or 0.0)
    return Trial(
        challenger=rival,
        incumbent=incumbent,
        step="other kind",
        mean=mean,
        se=se,
        needed=needed,
        users=pooled.n,
        nights=len(met) + 1,
        passed=se is not None and mean > 0 and mean >= needed,
    )


def _streak(trial: Trial | None, case: _Case) -> int:
    """Decided nights in a row, tonight included, that this kind passed against this kind."""
    if trial is None or not trial.passed or case.halted:
        return 0
    count = 1
    for verdict in reversed(case.past):
        meeting = verdict.meetings.get(trial.challenger)
        if verdict.incumbent != trial.incumbent or meeting is None or not meeting.passed:
            break
        count += 1
    return count


def _best(candidates: Mapping[str, Candidate], eligible: Sequence[str]) -> str | None:
    """Validation's best; a tie goes to the floor, then to the first name in the alphabet."""
    scored = {k: hr for k in eligible if (hr := candidates[k].validation_hr) is not None}
    return min(scored, key=lambda k: (-scored[k], not candidates[k].floor, k), default=None)
