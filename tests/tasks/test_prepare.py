"""What a run is, of a day that is decided already."""

from datetime import date

import pytest
from embedded import World

from hm_pipeline.config import RunConfig, load
from hm_pipeline.errors import LateDataError, RegistryError
from hm_pipeline.registry.ledger import Decision
from hm_pipeline.registry.promotion import Verdict
from tasks import ledger
from tasks.extract import LATE
from tasks.prepare import prepare
from tasks.settings import settings

EARLY, LATER = date(2019, 6, 9), date(2019, 6, 10)  # there is no raw data of them


def configured() -> RunConfig:
    return load(settings().config, "tiny")


def decided(day: date, seq: int, step: str = "first") -> None:
    verdict = Verdict.model_validate(
        {"day": day, "promote": False, "winner": None, "step": step, "reason": ""}
    )
    ledger.append("tiny", Decision(seq=seq, day=day, run_digest="d", verdict=verdict))


def test_a_day_whose_raw_files_are_gone_is_read_again_once_it_is_decided(world: World) -> None:
    with pytest.raises(LateDataError):
        prepare.fn(configured(), EARLY, False)
    decided(EARLY, 1)
    assert prepare.fn(configured(), EARLY, False).inputs == LATE


def test_an_older_day_is_not_decided_again_since_what_it_decided_would_be_lost(world: World) -> None:
    decided(EARLY, 1)
    decided(LATER, 2)
    with pytest.raises(RegistryError, match="2019-06-10 was decided since"):
        prepare.fn(configured(), EARLY, True)
    with pytest.raises(LateDataError):
        prepare.fn(configured(), LATER, True)


def test_an_older_day_that_decided_nothing_may_be(world: World) -> None:
    decided(LATER, 1)
    decided(EARLY, 2, "older day")
    with pytest.raises(LateDataError):
        prepare.fn(configured(), EARLY, True)
