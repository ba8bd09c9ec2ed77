"""The gate, one rule a test."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from hm_pipeline.data.drift_report import Band, DriftReport, Finding
from hm_pipeline.evaluation.paired import Difference
from hm_pipeline.registry.promotion import (
    Candidate,
    Champion,
    GateConfig,
    Night,
    Verdict,
    decide,
)

MONDAY = date(2021, 6, 7)
YESTERDAY = MONDAY - timedelta(days=1)
GATE = GateConfig()


def difference(mean: float, se: float = 0.01, n: int = 1000) -> Difference:
    """A difference of that mean and standard error."""
    squares = (se**2 * n) * (n - 1) + n * mean**2
    return Difference(n=n, total=mean * n, squares=squares)


def candidate(validation_hr: float | None, **more) -> Candidate:
    return Candidate(validation_hr=validation_hr, **more)


def night(day: date = MONDAY, **more) -> Night:
    """An lstm is champion, its heir is equal, and als is a little better on validation."""
    usual = {
        "day": day,
        "targets": 1000,
        "champion": Champion(kind="lstm", day=day - timedelta(days=1)),
        "candidates": {
            "lstm": candidate(0.2),
            "als": candidate(0.21),
            "popularity": candidate(0.1, floor=True),
        },
        "against_champion": {"lstm": difference(0.0), "als": difference(0.0), "popularity": difference(-0.1)},
        "against_heir": {"als": difference(0.0), "popularity": difference(-0.1)},
    }
    return Night(**{**usual, **more})


def better(kind: str, mean: float = 0.1) -> dict:
    return {kind: difference(mean), "popularity": difference(-0.1)}


def test_a_difference_of_the_tests_has_the_mean_and_error_it_says():
    assert difference(0.1, 0.02).mean == pytest.approx(0.1)
    assert difference(0.1, 0.02).se == pytest.approx(0.02, rel=1e-3)


def test_without_a_champion_validations_best_is_promoted():
    verdict = decide(night(champion=None), GATE)
    assert (verdict.promote, verdict.winner, verdict.step) == (True, "als", "first")
    assert "0.2100" in verdict.reason


def test_without_a_champion_the_best_that_passes_the_rails_is_promoted():
    candidates = {"als": candidate(0.3, coverage=0.001), "lstm": candidate(0.2, coverage=0.1)}
    verdict = decide(night(champion=None, candidates=candidates), GateConfig(min_coverage=0.01))
    assert verdict.winner == "lstm"
    assert "Could not be promoted: als, coverage is 0.0010, at least 0.0100" in verdict.reason


def test_without_a_champion_and_with_all_rails_breached_nobody_is_champion():
    verdict = decide(night(champion=None), GateConfig(min_personalization=0.5))
    assert (verdict.promote, verdict.winner, verdict.step) == (False, None, "stays")
    assert "personalization was not measured" in verdict.reason


def test_a_tie_on_validation_goes_to_the_floor_then_to_the_alphabet():
    tied = {"lstm": candidate(0.2), "als": candidate(0.2), "repeat": candidate(0.2, floor=True)}
    assert decide(night(champion=None, candidates=tied), GATE).winner == "repeat"
    del tied["repeat"]
    assert decide(night(champion=None, candidates=tied), GATE).winner == "als"


def test_a_candidate_without_a_validation_score_is_never_chosen():
    verdict = decide(night(champion=None, candidates={"lstm": candidate(None)}), GATE)
    assert not verdict.promote


def test_a_floor_that_wins_is_said_plainly():
    alone = {"popularity": candidate(0.1, floor=True), "lstm": candidate(0.05)}
    assert "popularity is a floor" in decide(night(champion=None, candidates=alone), GATE).reason


def test_a_floor_that_replaces_a_net_is_said_plainly():
    verdict = decide(
        night(
            against_heir={"popularity": difference(0.1)},
            candidates={"lstm": candidate(0.2), "popularity": candidate(0.3, floor=True)},
        ),
        GateConfig(nights_running=1),
    )
    assert verdict.winner == "popularity"
    assert "popularity is a floor" in verdict.reason


def test_a_floor_that_a_net_is_about_to_replace_is_not_called_the_best():
    reigning = Champion(kind="popularity", day=YESTERDAY)
    verdict = decide(
        night(
            champion=reigning,
            against_champion={"popularity": difference(0.0), "lstm": difference(0.1)},
            against_heir={"lstm": difference(0.1)},
        ),
        GateConfig(nights_running=2),
    )
    assert (verdict.winner, "is a floor" in verdict.reason) == ("popularity", False)


def test_a_floor_that_stays_champion_is_said_plainly():
    reigning = Champion(kind="popularity", day=YESTERDAY)
    verdict = decide(night(champion=reigning, against_champion={"popularity": difference(0.0)}), GATE)
    assert verdict.winner == "popularity"
    assert "is a floor" in verdict.reason


def test_the_champions_own_kind_replaces_it_when_it_is_a_little_worse():
    worse = {"lstm": difference(-0.01), "als": difference(0.0)}
    verdict = decide(night(against_champion=worse), GateConfig(margin=0.01))
    assert (verdict.promote, verdict.winner, verdict.step) == (True, "lstm", "own kind")


def test_the_champions_own_kind_does_not_replace_it_when_worse_by_more_than_the_margin():
    verdict = decide(night(against_champion={"lstm": difference(-0.011)}), GateConfig(margin=0.01))
    assert (verdict.promote, verdict.winner, verdict.step) == (False, "lstm", "stays")
    assert "-0.0110" in verdict.reason
    assert "worse by more than the margin of 0.0100" in verdict.reason


def test_without_a_candidate_of_the_champions_kind_the_champion_stays_and_the_others_meet_it():
    verdict = decide(night(candidates={"als": candidate(0.2)}, against_champion=better("als")), GATE)
    assert (verdict.promote, verdict.winner, verdict.challenger) == (False, "lstm", "als")
    assert "no candidate of the champion's kind" in verdict.reason.lower()


def test_another_kind_that_is_better_once_is_not_promoted_but_remembered():
    verdict = decide(night(against_heir=better("als")), GATE)
    assert (verdict.winner, verdict.step) == ("lstm", "own kind")
    assert verdict.meetings["als"].passed
    assert "night 1 of the 2 running" in verdict.reason


def two_nights(first: Night, second: Night, config: GateConfig = GATE) -> Verdict:
    return decide(second, config, [decide(first, config)])


def test_another_kind_that_is_better_two_nights_running_is_promoted():
    first = night(YESTERDAY, against_heir=better("als"))
    verdict = two_nights(first, night(against_heir=better("als")))
    assert (verdict.promote, verdict.winner, verdict.step) == (True, "als", "other kind")
    assert verdict.trials[-1].nights == 2
    assert verdict.trials[-1].users == 2000


def test_nights_running_are_decided_run_dates_so_a_gap_does_not_break_them():
    first = night(MONDAY - timedelta(days=5), against_heir=better("als"))
    assert two_nights(first, night(against_heir=better("als"))).winner == "als"


def test_a_night_that_did_not_pass_starts_the_count_again():
    days = [MONDAY - timedelta(days=d) for d in (2, 1)]
    history = [decide(night(days[0], against_heir=better("als")), GATE)]
    history.append(decide(night(days[1], against_heir=better("als", -0.3)), GATE, history))
    assert decide(night(against_heir=better("als")), GATE, history).winner == "lstm"


def test_one_night_is_enough_where_the_market_says_so():
    assert decide(night(against_heir=better("als")), GateConfig(nights_running=1)).winner == "als"


def test_the_best_other_kind_is_chosen_on_validation_not_on_the_arrivals():
    candidates = {"lstm": candidate(0.2), "als": candidate(0.21), "itemknn": candidate(0.19)}
    table = {"als": difference(0.0), "itemknn": difference(0.5)}
    verdict = decide(night(candidates=candidates, against_heir=table), GateConfig(nights_running=1))
    assert (verdict.challenger, verdict.winner) == ("als", "lstm")


def test_better_by_less_than_z_standard_errors_is_not_enough():
    verdict = decide(night(against_heir=better("als", 0.0163)), GateConfig(nights_running=1))
    assert verdict.winner == "lstm"
    assert "0.0164 (1.64 standard errors) would have been needed" in verdict.reason
    assert decide(night(against_heir=better("als", 0.0165)), GateConfig(nights_running=1)).winner == "als"


def test_equal_lists_are_not_better():
    same = {"als": Difference(n=1000, total=0.0, squares=0.0)}
    verdict = decide(night(against_heir=same), GateConfig(nights_running=1, z=0))
    assert verdict.winner == "lstm"
    assert (
        "differs from lstm by +0.0000 HR (standard error 0.0000, 1000 users) over 1 pooled night: not better"
        in (verdict.reason)
    )


def test_a_first_champion_is_the_best_of_those_that_may_be():
    candidates = {"als": candidate(0.3, coverage=0.0), "lstm": candidate(0.2, coverage=0.9)}
    verdict = decide(night(champion=None, candidates=candidates), GateConfig(min_coverage=0.5))
    assert verdict.reason.startswith(
        "The new champion is lstm: best on validation of those that may be promoted, HR 0.2000"
    )


def test_a_floor_is_not_called_the_best_because_what_was_better_was_stopped():
    candidates = {"repeat": candidate(0.2, coverage=0.9, floor=True), "lstm": candidate(0.3, coverage=0.0)}
    verdict = decide(night(champion=None, candidates=candidates), GateConfig(min_coverage=0.5))
    assert (verdict.winner, "said plainly" in verdict.reason) == ("repeat", False)
    worse = candidates | {"lstm": candidate(0.1, coverage=0.0)}
    told = decide(night(champion=None, candidates=worse), GateConfig(min_coverage=0.5))
    assert "no trained model has shown to be better" in told.reason


def test_the_others_meet_the_champion_itself_where_its_heir_failed():
    table = {"lstm": difference(-0.5), "als": difference(0.1)}
    verdict = decide(
        night(against_champion=table, against_heir={"als": difference(0.6)}), GateConfig(nights_running=1)
    )
    assert verdict.winner == "als"
    assert verdict.trials[-1].mean == pytest.approx(0.1)


def test_the_pool_holds_at_most_its_nights_and_the_latest():
    history: list[Verdict] = []
    for back in range(9, 0, -1):
        day = MONDAY - timedelta(days=back)
        history.append(decide(night(day, against_heir=better("als", -back / 100)), GATE, history))
    trial = decide(night(against_heir=better("als", 0.0)), GateConfig(pool_nights=4), history).trials[-1]
    assert trial.nights == 4
    assert trial.mean == pytest.approx(-(0.01 + 0.02 + 0.03) / 4)
    assert decide(night(), GateConfig(pool_nights=1), history).trials[-1].nights == 1


def test_nights_against_another_incumbent_are_not_pooled():
    other = night(
        YESTERDAY, champion=Champion(kind="gru", day=YESTERDAY), against_champion=better("als", 0.9)
    )
    trial = two_nights(other, night()).trials[-1]
    assert (trial.nights, trial.mean) == (1, pytest.approx(0.0))


def test_nights_of_other_kinds_are_not_pooled():
    other = night(
        YESTERDAY,
        candidates={"lstm": candidate(0.2), "gru": candidate(0.2)},
        against_heir={"gru": difference(0.5)},
    )
    assert two_nights(other, night()).trials[-1].nights == 1


def test_the_same_nights_in_another_order_give_the_same_verdict():
    history = [decide(night(MONDAY - timedelta(days=d), against_heir=better("als")), GATE) for d in (1, 2, 3)]
    assert decide(night(), GATE, history) == decide(night(), GATE, history[::-1])


def test_the_day_itself_and_later_days_are_not_history():
    later = [decide(night(MONDAY + timedelta(days=d), against_heir=better("als")), GATE) for d in (0, 1)]
    assert decide(night(against_heir=better("als")), GATE, later).winner == "lstm"


def test_with_too_few_arrivals_nothing_is_promoted():
    first = night(YESTERDAY, against_heir=better("als"))
    verdict = two_nights(first, night(targets=199, against_champion=better("als")))
    assert (verdict.promote, verdict.winner) == (False, "lstm")
    assert "199 users arrived, 200 are needed" in verdict.reason
    assert not decide(night(targets=199, champion=None), GATE).promote


def test_drift_stops_every_promotion():
    verdict = decide(night(drift=drifted(stops=True)), GATE)
    assert not verdict.promote
    assert (
        "drifted: category mix is 0.6000 where 0.1000 is usual; at most 0.50 is tolerated" in verdict.reason
    )


def test_drift_that_is_only_told_stops_nothing():
    assert decide(night(drift=drifted(stops=False)), GATE) == decide(night(), GATE)


def drifted(*, stops: bool) -> DriftReport:
    finding = Finding(
        measure="category_mix",
        value=0.6,
        usual=0.1,
        judged=0.6,
        band=Band(most=0.5),
        outside=True,
        stops=stops,
    )
    return DriftReport(day=YESTERDAY, closed=False, weekdays=4, days=29, findings=(finding,))


def test_a_night_on_which_nothing_could_be_promoted_does_not_count_as_passed():
    first = night(YESTERDAY, targets=10, against_champion={"lstm": difference(0), **better("als")})
    assert "does not count" in decide(first, GATE).reason
    assert two_nights(first, night(against_heir=better("als"))).winner == "lstm"


@pytest.mark.parametrize(
    ("rail", "number"),
    [
        ({"min_coverage": 0.5}, {"coverage": 0.4}),
        ({"min_personalization": 0.5}, {"personalization": 0.4}),
        ({"max_mix_distance": 0.5}, {"mix_distance": 0.6}),
    ],
)
def test_a_breached_rail_stops_the_champions_own_kind(rail: dict, number: dict):
    verdict = decide(night(candidates={"lstm": candidate(0.2, **number)}), GateConfig(**rail))
    assert not verdict.promote
    assert "Could not be promoted: lstm, " in verdict.reason


def test_a_breached_rail_takes_a_kind_out_of_step_two():
    candidates = {
        "lstm": candidate(0.2, coverage=0.9),
        "als": candidate(0.9, coverage=0.1),
        "gru": candidate(0.1, coverage=0.9),
    }
    table = {"als": difference(0.5), "gru": difference(0.1)}
    verdict = decide(
        night(candidates=candidates, against_heir=table), GateConfig(min_coverage=0.5, nights_running=1)
    )
    assert verdict.winner == "gru"


def test_a_held_kind_is_not_promoted_in_either_step():
    held = frozenset({"lstm", "als"})
    verdict = decide(
        night(held_kinds=held, against_champion={"lstm": difference(0.1), **better("als")}),
        GateConfig(nights_running=1),
    )
    assert (verdict.promote, verdict.winner) == (False, "lstm")
    assert "rolled back and is held until it is released by hand" in verdict.reason


def test_an_older_day_never_replaces_a_newer_champion():
    verdict = decide(night(newest=MONDAY + timedelta(days=3), champion=None), GATE)
    assert (verdict.promote, verdict.step) == (False, "older day")
    assert "2021-06-10 is decided already and is newer than 2021-06-07" in verdict.reason


def test_an_older_day_leaves_no_meetings_behind():
    older = decide(night(YESTERDAY, newest=MONDAY, against_heir=better("als")), GATE)
    assert older.meetings == {}
    assert decide(night(against_heir=better("als")), GATE, [older]).winner == "lstm"


def test_a_verdict_survives_being_written_down():
    verdict = decide(night(against_heir=better("als")), GATE)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def run_of_equal_models(seed: int, config: GateConfig, nights: int = 200) -> int:
    """How often the champion's kind changes over nights in which two kinds are equally good."""
    draw = np.random.default_rng(seed)
    kinds, reigning, history, switches = ("als", "lstm"), "lstm", [], 0
    for number in range(nights):
        day = MONDAY + timedelta(days=number)
        noise = draw.choice([-1.0, 0.0, 1.0], p=[0.06, 0.88, 0.06], size=400)
        met = Difference(n=400, total=float(noise.sum()), squares=float((noise**2).sum()))
        rival = kinds[reigning == kinds[0]]
        verdict = decide(
            Night(
                day=day,
                targets=400,
                champion=Champion(kind=reigning, day=day - timedelta(days=1)),
                candidates={k: candidate(0.2) for k in kinds},
                against_champion={reigning: Difference(n=400), rival: met},
                against_heir={rival: met},
            ),
            config,
            history[-20:],
        )
        history.append(verdict)
        switches += verdict.winner != reigning
        reigning = verdict.winner or reigning
    return switches


def test_noise_switches_models_seldom():
    """Equal models, 200 nights, 8 seeds: the pooled gate switches far less often than a nightly one."""
    seldom = [run_of_equal_models(seed, GATE) for seed in range(8)]
    nightly = [run_of_equal_models(seed, GateConfig(pool_nights=1, nights_running=1)) for seed in range(8)]
    assert sum(seldom) / len(seldom) < 4
    assert sum(seldom) < sum(nightly) / 2


def test_a_better_model_takes_over_within_a_week():
    """Two points of HR at 400 users a night: seen after seven pooled nights at the latest."""
    history: list[Verdict] = []
    for number in range(7):
        day = MONDAY + timedelta(days=number)
        gain = difference(0.03, math.sqrt(0.12 / 400), 400)
        history.append(decide(night(day, against_heir={"als": gain}), GATE, history))
    assert "als" in {verdict.winner for verdict in history}
