"""The rate in a note is that of the last seconds."""

from hm_pipeline.training.pace import Pace


def test_it_is_the_rate_of_the_last_ten_seconds() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.note(0) == ""
    now = 1.0
    assert pace.note(9_846) == "9,800 targets/s"
    for second in range(2, 40):
        now = float(second)
        note = pace.note(9_846 + 123_456 * (second - 1))
    assert note == "120,000 targets/s", "the slow start is forgotten"


def test_a_resumed_run_begins_at_its_own_targets() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    pace.note(5_000_000)
    now = 102.0
    assert pace.note(5_000_100) == "50 targets/s"
