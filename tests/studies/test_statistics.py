"""Means, intervals and what would have been found, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.studies.statistics import Gap, gap, spread, standard_error

SECOND_T = 4.302653  # 97.5% of Student's t with 2 degrees of freedom
SECOND_POWER = 1.060660  # 80%
NORMAL, NORMAL_POWER = 1.959964, 0.841621

shares = st.floats(-1, 1, allow_subnormal=False).map(lambda share: round(share, 6))


def test_the_mean_of_three_seeds_has_the_error_of_their_spread() -> None:
    found = spread([0.10, 0.12, 0.14])
    assert found.mean == pytest.approx(0.12)
    assert found.se == pytest.approx(0.02 / math.sqrt(3))
    assert found.seeds == 3


def test_one_fit_has_no_error() -> None:
    assert (spread([0.1]).se, spread([0.1]).seeds) == (None, 1)


def test_the_interval_of_three_seeds_is_4_303_standard_errors_wide_on_each_side() -> None:
    found = gap([0.01, 0.02, 0.03], None)
    reach = SECOND_T * 0.01 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.02, 0.02 - reach, 0.02 + reach))
    assert found.margin == pytest.approx(reach)
    assert not found.is_more_than_noise, "2% in steps of one is little for three seeds"


def test_two_seeds_know_almost_nothing() -> None:
    found = gap([0.02, 0.03], None)
    assert found.margin == pytest.approx(12.706205 * 0.005, rel=1e-5)


def test_users_who_differ_alike_have_a_paired_error() -> None:
    found = gap([0.5], standard_error([1.0, 1, 0, 0]))
    sd = math.sqrt(1 / 3)
    assert found.users_se == pytest.approx(sd / 2)
    assert (found.low, found.high) == (None, None)
    assert found.margin == pytest.approx(NORMAL * sd / 2, rel=1e-5)
    assert not found.is_more_than_noise


def test_seeds_and_users_are_two_noises_whose_squares_add() -> None:
    users = np.tile([0.0, 0.04], 50)
    found = gap([0.01, 0.02, 0.03], standard_error(users))
    seeds_half, users_half = SECOND_T * 0.01 / math.sqrt(3), NORMAL * users.std(ddof=1) / 10
    assert (found.seeds_margin, found.users_margin) == pytest.approx((seeds_half, users_half), rel=1e-5)
    assert found.margin == pytest.approx(math.sqrt(seeds_half**2 + users_half**2), rel=1e-5)


def test_what_exceeds_each_noise_alone_may_be_less_than_both_together() -> None:
    both = Gap(mean=1.0, low=0.1, high=1.9, users_se=0.9 / NORMAL)
    assert not both.is_more_than_noise
    assert both.model_copy(update={"users_se": 0.8 / NORMAL, "low": 0.8, "high": 1.2}).is_more_than_noise


@pytest.mark.parametrize(
    ("without", "known"), [({"users_se": None}, "seeds"), ({"low": None, "high": None}, "users")]
)
def test_a_noise_that_is_not_known_is_not_zero(without: dict[str, None], known: str) -> None:
    both = Gap(mean=1.0, low=0.8, high=1.2, users_se=0.1, seeds=3, chance=True)
    assert (both.is_more_than_noise, both.unknown, both.known) == (True, (), None)
    part = both.model_copy(update=without)
    assert (part.is_beyond, part.is_more_than_noise, part.detectable, part.known) == (
        True,
        False,
        None,
        known,
    )


def test_where_nothing_is_random_users_are_all_the_noise_there_is() -> None:
    found = gap([1.0], 0.1)
    assert (found.is_more_than_noise, found.unknown) == (True, ())
    assert found.detectable == pytest.approx((NORMAL + NORMAL_POWER) * 0.1, rel=1e-5)
    assert not gap([1.0], 0.1, chance=True).is_more_than_noise


def test_without_any_known_noise_nothing_is_more_than_it() -> None:
    found = gap([0.3], None)
    assert (found.margin, found.detectable, found.is_more_than_noise) == (None, None, False)


def test_the_smallest_difference_that_is_found_in_four_of_five_cases() -> None:
    seeds, users = 0.01 / math.sqrt(3), 0.004
    only_seeds = gap([0.01, 0.02, 0.03], 0.0)
    assert only_seeds.detectable == pytest.approx((SECOND_T + SECOND_POWER) * seeds, rel=1e-5)
    only_users = gap([0.0], users)
    assert only_users.detectable == pytest.approx((NORMAL + NORMAL_POWER) * users, rel=1e-5)
    both = gap([0.01, 0.02, 0.03], users)
    assert both.detectable == pytest.approx(math.hypot(only_seeds.detectable, only_users.detectable))


def test_a_difference_that_is_there_is_found_about_as_often_as_was_said() -> None:
    """Simulated: seeds and users, both noisy, and a true difference of what was called detectable."""
    draw = np.random.default_rng(7)
    seeds_sd, users_sd, seeds, users = 0.02, 0.5, 8, 2_000
    said = gap(
        np.linspace(-1, 1, seeds) * seeds_sd / np.linspace(-1, 1, seeds).std(ddof=1),
        standard_error(draw.normal(0, users_sd, users)),
    ).detectable
    assert said is not None

    def seen(true: float) -> bool:
        of_users = draw.normal(0, users_sd, users)
        of_seeds = draw.normal(true, seeds_sd, seeds) + of_users.mean()
        return gap(of_seeds.tolist(), standard_error(of_users)).is_more_than_noise

    found = np.mean([seen(said) for _ in range(400)])
    false = np.mean([seen(0.0) for _ in range(1_000)])
    assert found >= 0.75
    assert false <= 0.05


@pytest.mark.parametrize(("users_sd", "both_sd"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 1.0)])
def test_what_is_nothing_passes_at_most_once_in_twenty(users_sd: float, both_sd: float) -> None:
    """Simulated: seeds, users, and what one seed makes of one user, which is in both errors."""
    draw = np.random.default_rng(11)

    def seen() -> bool:
        of_seeds, of_users = draw.normal(0, 0.02, (3, 1)), draw.normal(0, users_sd, 400)
        all_SN = of_seeds + of_users + draw.normal(0, both_sd, (3, 400))
        return gap(all_SN.mean(axis=1).tolist(), standard_error(all_SN.mean(axis=0))).is_more_than_noise

    assert np.mean([seen() for _ in range(1_000)]) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1_000)


@given(st.lists(shares, min_size=1, max_size=5), st.lists(shares, min_size=2, max_size=9))
def test_the_opposite_difference_has_the_opposite_sign_and_the_same_noise(
    differences: list[float], users: list[float]
) -> None:
    there = gap(differences, standard_error(users))
    back = gap([-d for d in differences], standard_error([-user for user in users]))
    assert back.mean == pytest.approx(-there.mean)
    assert back.margin == pytest.approx(there.margin)
    assert back.detectable == pytest.approx(there.detectable)
    assert back.is_more_than_noise == there.is_more_than_noise


@given(st.lists(shares, min_size=2, max_size=5), st.lists(shares, min_size=2, max_size=9))
def test_a_second_noise_never_makes_an_interval_narrower(
    differences: list[float], users: list[float]
) -> None:
    users_se = standard_error(users)
    both = gap(differences, users_se).margin
    assert both is not None
    for alone in (gap(differences, None).margin, gap(differences[:1], users_se).margin):
        assert alone is not None
        assert both >= alone - 1e-12
