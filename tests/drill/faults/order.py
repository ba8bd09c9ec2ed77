"""Nights that get into each other's way."""

from datetime import date

from drill.fault import Fault, Injury
from drill.stand import NIGHT_SECONDS, Stand


def run_twice(stand: Stand, days: list[date]) -> list[Injury]:
    """Two runs of one day begin at once: both end well, on the same lists, with one decision in the ledger."""
    runs = [stand.night(days[0]) for _ in range(2)]
    stand.struck()
    ended = [stand.prefect.ended(run, NIGHT_SECONDS) for run in runs]
    return [
        Injury("two runs of one day", "from the start", " and ".join(ended), ("condition of the ledger",))
    ]


def run_backwards(stand: Stand, days: list[date]) -> list[Injury]:
    """Three days are run, the newest first: the newest day's lists and champion stay, the older ones are registered."""
    stand.struck()
    ended = [stand.prefect.ended(stand.night(day), NIGHT_SECONDS) for day in reversed(days)]
    return [Injury("three days, the newest first", "", " and ".join(ended), ("rule for older days",))]


FAULTS = (
    Fault("two-at-once", run_twice),
    Fault("backwards", run_backwards, days=3),
)
