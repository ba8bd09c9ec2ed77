"""What a model card says, and that it says it of the right model."""

from datetime import date

import numpy as np
import pytest

from hm_pipeline.evaluation.estimate import average
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.registry.card import Card, Learned, model_card

DAY = date(2021, 6, 10)


def learned(last: int) -> Learned:
    return Learned(
        first_day=date(2021, 6, 1),
        last_day=date(2021, 6, last),
        targets=123_456,
        users=1_000,
        items=90,
        digest=f"d{last}",
    )


def evaluation(*hits: float) -> Evaluation:
    answered = np.array(hits, np.float32)
    return Evaluation(
        market="SE",
        protocol="next_day",
        holdout="first",
        k=14,
        question="q",
        oov_rate=0.25,
        cold_rate=0.5,
        metrics={"hr": average(answered.astype(np.float64))},
        hits=answered,
        ndcg=answered,
    )


def card(**other: object) -> str:
    usual: dict = {
        "market": "SE",
        "kind": "lstm",
        "day": DAY,
        "promoted": True,
        "verdict": "It was the best.",
        "learned": learned(9),
        "judged": learned(8),
        "arrivals": date(2021, 6, 9),
        "config": {"kind": "lstm", "hidden": 24},
        "exclude_seen": False,
        "events": ("view",),
        "evaluation": evaluation(1, 1, 0, 0),
        "floors": {"popularity": evaluation(1, 0, 0, 0)},
        "seconds": 61.5,
        "price": "0.0031 USD",
        "chosen_epochs": 2.5,
        "with_users": True,
        "code": "abc",
    }
    return model_card(Card(**{**usual, **other}))


def test_the_figures_stand_beside_those_of_the_floors_with_their_errors():
    assert "| metric | lstm | popularity |" in card()
    assert "| hr | **50.00% ±28.87** | 25.00% ±25.00 |" in card()


def test_a_floor_is_not_compared_with_itself():
    assert "| metric | popularity |\n" in card(kind="popularity")


def test_it_says_what_was_learned_by_whom():
    told = card()
    assert (
        "This version learned 123,456 interactions of 1,000 users with 90 items, 2021-06-01 to 2021-06-09"
        in told
    )
    assert "The candidate, whose figures stand below, learned" in told
    assert "2021-06-01 to 2021-06-08 (data `d8`)" in told
    assert "The candidate, whose" not in card(learned=learned(8)), "it is the candidate itself"


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ({"promoted": True}, "Champion from this night on: It was the best."),
        ({"promoted": False}, "A candidate that was not promoted: It was the best."),
        ({"with_users": True}, "It knows its users by id"),
        ({"with_users": False}, "It knows nobody by id"),
        (
            {"exclude_seen": True},
            "No published list holds what its user had before; the loaded model leaves out the last item only",
        ),
        ({"chosen_epochs": None}, "for 0.0031 USD. Code abc"),
        ({"chosen_epochs": 2.5}, "2.5 epochs chosen on validation"),
        ({}, "25.0% of these arrivals were items it had never seen"),
        ({}, 'load_model("models:/hm-SE/<version>")'),
        ({}, "No figure by age, region"),
        ({}, '"hidden": 24'),
    ],
)
def test_it_says(fact: dict, said: str):
    assert said in card(**fact)
