"""One fault from a known state to a healthy one, and what is to be said of it."""

import time
import traceback
from dataclasses import dataclass
from datetime import date
from typing import Any

from drill import market
from drill.fault import Fault, Injury, SkippedError
from drill.seen import orphans
from drill.stand import Stand

Line = dict[str, Any]
CHECKS = 3  # of the check for gaps, which runs every hour: as many as a fault may need
SETTLING = 330.0  # seconds until the last orphan has to be gone: the lease of a slot takes five minutes
_SHOWN = ("lists", "lists_day", "champion")


@dataclass
class Healed:
    """How a market came back."""

    checks: list[str]  # how each check for gaps ended
    left: list[str]  # orphans
    seconds: float  # from the fault until every night was whole
    settled: float  # and until nothing was left of it


def inject(stand: Stand, fault: Fault) -> list[Line]:
    """Break it, let it heal by what production has, and compare: a line for each thing that was broken."""
    days = stand.fresh(fault.days)
    before = stand.seen()
    stand.struck()
    injuries, wrong = _struck(stand, fault, days)
    if wrong.startswith("skipped"):
        return [_line(fault, days, Injury("nothing", ""), {"survived": None, "wrong": [wrong]})]
    between = stand.seen()
    healed = _heal(stand, days)
    allowed = [before["lists"], *(stand.twin.expected(day)["lists"] for day in days)]
    faults = [
        *([wrong] if wrong else []),
        *_differences(stand.seen(), stand.twin.expected(days[-1])),
        *(f"the night of {day} is not whole" for day in days if not stand.is_whole(day)),
        *(["half a night was shown meanwhile"] if between["lists"] not in allowed else []),
        *(["nobody was told that lists are stale"] if _untold(fault, between, days) else []),
        *healed.left,
    ]
    common = _compared(stand, days, before, between, healed) | {"survived": not faults, "wrong": faults}
    return [_line(fault, days, injury, common) for injury in injuries or [Injury("?", "?")]]


def _struck(stand: Stand, fault: Fault, days: list[date]) -> tuple[list[Injury], str]:
    """What was broken, and what went wrong with breaking it."""
    try:
        return fault.strike(stand, days), ""
    except SkippedError as error:
        return [], f"skipped: {error}"
    except Exception as error:
        traceback.print_exc()
        return [], f"{type(error).__name__}: {error}"


def _heal(stand: Stand, days: list[date]) -> Healed:
    """Wait, and check for gaps as often as needed, as the hourly schedule would."""
    checks: list[str] = []
    while not all(stand.is_whole(day) for day in days) and len(checks) < CHECKS:
        checks.append(stand.gap_check(days[-1], max(7, len(days) + 2)))
    seconds = time.monotonic() - stand.broken_at
    end = time.monotonic() + SETTLING
    while (left := _orphans(stand)) and time.monotonic() < end:
        time.sleep(2)
    stand.blamed.update(left)
    return Healed(checks, left, seconds, time.monotonic() - stand.broken_at)


def _orphans(stand: Stand) -> list[str]:
    """Those that no earlier fault was blamed for."""
    found = orphans(market.MARKET, stand.live.folder, stand.prefect)
    return [one for one in found if one not in stand.blamed]


def _differences(after: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    wrong = [f"{k}: {after[k]} where {expected[k]} belongs" for k in _SHOWN if after[k] != expected[k]]
    return wrong + (["the lists are still marked as stale"] if after["stale"] else [])


def _untold(fault: Fault, between: dict[str, Any], days: list[date]) -> bool:
    return fault.leaves_stale and between["stale"] != str(days[-1])


def _compared(
    stand: Stand, days: list[date], before: dict[str, Any], between: dict[str, Any], healed: Healed
) -> Line:
    """Before, while it was broken, and after, beside what nobody disturbed."""
    after, expected = stand.seen(), stand.twin.expected(days[-1])
    return {
        "lists": {
            "before": before["lists"],
            "broken": between["lists"],
            "after": after["lists"],
            "expected": expected["lists"],
        },
        "stale_while_broken": between["stale"],
        "champion": {
            "before": before["champion"],
            "after": after["champion"],
            "expected": expected["champion"],
        },
        "orphans": healed.left,
        "seconds_until_healthy": round(healed.seconds, 1),
        "seconds_until_nothing_was_left": round(healed.settled, 1),
        "gap_checks": healed.checks,
    }


def _line(fault: Fault, days: list[date], injury: Injury, common: Line) -> Line:
    healers = [*injury.healers, *(["gap check"] if common.get("gap_checks") else [])]
    return {
        "fault": fault.name,
        "done": fault.sentence,
        "broken": injury.broken,
        "when": injury.when,
        "days": [str(day) for day in days],
        "run_ended": injury.seen,
        "healed_by": healers,
        **common,
    }
