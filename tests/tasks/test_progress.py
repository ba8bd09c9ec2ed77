"""What a worker's log says of a long stage."""

import pytest

from hm_pipeline.progress import Step
from tasks.progress import LOG_SECONDS, LogLines


def test_a_stage_is_heard_of_at_its_start_now_and_then_and_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    lines = LogLines(lambda: now)
    for done in range(101):
        now = done * LOG_SECONDS / 40
        lines(Step("train lstm", done, 100, f"hr .{done:03}"))
        lines(Step("extract", 0, 1))
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if "lstm" in line] == [
        "train lstm 0/100 hr .000",
        "train lstm 40/100 hr .040",
        "train lstm 80/100 hr .080",
        "train lstm 100/100 hr .100",
    ]
    assert said.count("extract 0/1 ") == 3
