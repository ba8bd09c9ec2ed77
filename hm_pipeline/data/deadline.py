"""By when a day's lists must be there, and how long a fit may take so that they are; reads no clock."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def instant_of(day: date, at: time, zone: str) -> datetime:
    """The UTC instant of a local time of a day.

    A time that the clock shows twice counts the first time; one that it skips is as much later as it jumps.
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def minutes_for_fit(left: float | None, reserve: float, shares: int, most: float | None) -> float | None:
    """Minutes that a fit may take; None: as many as it likes.

    `left` minutes until the deadline (None: there is none to keep), less the `reserve` of what follows,
    are divided among `shares` fits that are still to come one after another, this one among them; and
    no fit takes longer than `most`.
    """
    if left is None:
        return most
    share = max(left - reserve, 0.0) / shares
    return share if most is None else min(most, share)
