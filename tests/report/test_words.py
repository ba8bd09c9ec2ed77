"""What the page says in words."""

import pytest

from hm_pipeline.evaluation.item_profile import AtRank, ItemProfile, Trait
from hm_pipeline.report.profile_words import profile_words


def trait(name: str, mean: float | None, catalogue: float | None) -> Trait:
    ranks = (AtRank(n=3, mean=mean, se=None), AtRank(n=0, mean=None, se=None))
    return Trait(
        name=name, ranks=ranks if mean is not None else (), known=1, catalogue=catalogue, catalogue_known=1
    )


def test_a_profile_is_told_against_the_catalogue() -> None:
    traits = (trait("popularity", 620, 10), trait("price", 1.6, 3.2), trait("age", 45, 30))
    assert profile_words("lstm", ItemProfile(traits=traits, mixes=())) == (
        "The items that lstm lists are interacted with 62 times as often, cost 0.5 times as much "
        "and are 1.5 times as old as the mean item."
    )


@pytest.mark.parametrize(("mean", "catalogue"), [(None, 3), (3, None), (3, 0)])
def test_what_cannot_be_compared_is_not_told(mean: float | None, catalogue: float | None) -> None:
    assert not profile_words("lstm", ItemProfile(traits=(trait("price", mean, catalogue),), mixes=()))


def test_the_mean_over_places_weighs_each_place_alike() -> None:
    ranks = (AtRank(n=3, mean=10, se=None), AtRank(n=1, mean=50, se=None))
    price = Trait(name="price", ranks=ranks, known=1, catalogue=40, catalogue_known=1)
    assert price.mean == 20
    assert price.against_catalogue == 0.5
