"""A market that says something impossible is refused where it is written."""

import pytest
from pydantic import ValidationError
from raw_files import LAST, market

from hm_pipeline.data.market import InteractionColumns, TimestampConfig


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timezone": "Europe/Stokholm"}, "Europe/Stockholm"),
        ({"partition_zone": "here"}, "no time zone 'here'"),
        ({"retention_days": 5}, "shorter than window_days"),
        ({"name": "../SE"}, "name"),
        ({"contract": {"max_rejected": 1}}, "max_rejected"),
        ({"contract": {"closed_days": ["25-12"]}}, "month must be in 1..12"),
        ({"contract": {"closed_days": ["2021-6-25"]}}, "'2021-6-25': write it as MM-DD"),
        ({"interactions": {"event_type": None}}, "constant_event"),
        ({"interactions": {"event_type": "event", "constant_event": "view"}}, "constant_event"),
    ],
)
def test_an_impossible_market_says_what_is_wrong(change, said):
    with pytest.raises(ValidationError, match=said):
        market(**change)


def test_a_market_is_a_value_equal_by_content():
    assert market() == market() != market(window_days=11)
    columns = InteractionColumns(timestamp=TimestampConfig(zone="Asia/Tokyo"))
    assert market(interactions=columns) != market()


def test_a_day_is_closed_every_year_or_once():
    contract = market().contract.model_copy(update={"closed_days": ("06-09",)})
    assert market(contract=contract).is_closed(LAST)
    assert not market(contract=contract).is_closed(LAST.replace(day=8))


def test_a_leap_day_may_be_closed():
    assert market(contract={"closed_days": ["02-29"]}).is_closed(LAST.replace(year=2024, month=2, day=29))
