"""How published lists did, worked by hand."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from hm_pipeline.data.log import LOG_SCHEMA, InteractionLog
from hm_pipeline.data.sequences import sequences
from hm_pipeline.evaluation.shown import first_arrivals, hit_ratio_shown

DAY = date(2021, 6, 2)


def a_log(*rows: tuple[str, str, int, int]) -> InteractionLog:
    """(user, item, day of June, hour)."""
    frame = pl.DataFrame(
        [
            (u, i, datetime(2021, 6, d, h, tzinfo=UTC), date(2021, 6, d), "view", None, None)
            for u, i, d, h in rows
        ],
        schema=LOG_SCHEMA,
        orient="row",
    )
    return InteractionLog.of("M", date(2021, 6, 1), DAY, frame)


def test_the_first_interaction_of_the_day_counts_and_no_other():
    log = a_log(("ann", "a", 1, 9), ("ann", "b", 2, 10), ("ann", "c", 2, 9), ("bob", "a", 1, 9))
    arrivals = first_arrivals(sequences(log, ("view",), 0), DAY)
    assert arrivals.select("user_id", "item_id").rows() == [("ann", "c")]


def test_own_lists_answer_for_those_who_have_one_and_the_default_for_the_others():
    arrivals = pl.DataFrame({"user_id": ["ann", "bob", "new", "odd"], "item_id": ["a", "a", "d", "a"]})
    lists = pl.DataFrame({"user_id": ["ann", "ann", "bob"], "rank": [1, 2, 1], "item_id": ["b", "a", "d"]})
    default = pl.DataFrame({"rank": [1], "item_id": ["d"]})
    shown = hit_ratio_shown(lists, default, arrivals)
    assert shown is not None
    assert shown.mean == 0.5  # ann by her own list, new by the default; bob's list misses, odd is missed
    assert shown.se == pytest.approx(np.std([1, 0, 1, 0], ddof=1) / 2)


def test_where_nobody_came_there_is_no_figure():
    nobody = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
    lists = pl.DataFrame(schema={"user_id": pl.String, "rank": pl.Int16, "item_id": pl.String})
    assert hit_ratio_shown(lists, lists.drop("user_id"), nobody) is None
