"""A promotion is taken back where its lists are not fit to be shown."""

from datetime import date

import pytest

from hm_pipeline.errors import PublishError
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.night import Verdict
from hm_pipeline.registry.refusal import refused

TONIGHT = date(2021, 6, 2)
CHAMPION = ModelRef(kind="gru", day=date(2021, 6, 1), version=1, uri="model/1")
ERROR = PublishError("3 wrong")


def verdict(**changes: object) -> Verdict:
    content = {"day": TONIGHT, "promote": True, "winner": "lstm", "step": "other kind", "reason": "Better."}
    return Verdict.model_validate(content | changes)


def test_the_champion_stays_and_the_reason_says_why() -> None:
    left = refused(verdict(), CHAMPION, ERROR)
    assert (left.promote, left.promoted, left.winner, left.step) == (False, None, "gru", "stays")
    assert left.reason == (
        "Better. But the lists of lstm are not fit to be published: 3 wrong; the gru of 2021-06-01 stays champion."
    )


def test_where_nobody_was_promoted_the_error_stands() -> None:
    with pytest.raises(PublishError, match="3 wrong"):
        refused(verdict(promote=False, winner="gru", step="stays"), CHAMPION, ERROR)


def test_where_nobody_is_there_to_stay_the_error_stands() -> None:
    with pytest.raises(PublishError, match="3 wrong"):
        refused(verdict(step="first"), None, ERROR)
