"""What the webhook hears when something goes wrong."""

import subprocess
import sys

from live_machine import LiveMachine, until


def test_a_failed_night_is_told(machine: LiveMachine) -> None:
    begun = machine.prefect("deployment", "run", "daily/tiny", "--param", "day=2019-01-01")  # no such data
    assert begun.returncode == 0, begun.stdout + begun.stderr
    told = until(lambda: [b for b in machine.told() if b["day"] == "2019-01-01"], seconds=240)
    assert told, f"nobody was told\n{machine.logs()}"
    assert (told[0]["market"], told[0]["state"]) == ("tiny", "Failed")
    assert told[0]["run"].startswith(machine.urls["prefect"])
    assert "2019-01-01" in told[0]["message"]


def test_a_failed_night_of_the_schedule_is_told_though_it_was_given_no_day(machine: LiveMachine) -> None:
    begun = machine.prefect("deployment", "run", "daily/tiny")  # of today, whose data nobody has
    assert begun.returncode == 0, begun.stdout + begun.stderr
    told = until(lambda: [b for b in machine.told() if "planned" in b and b["day"] is None], seconds=240)
    assert told, f"nobody was told\n{machine.logs()}"
    assert (told[0]["market"], told[0]["state"]) == ("tiny", "Failed")
    assert "planned for" in told[0]["text"]


def test_stale_lists_are_told(machine: LiveMachine) -> None:
    _happens(machine, "lists_stale('SE', date(2021, 6, 1), 'D-1 came \"late\"')")
    told = until(lambda: [b for b in machine.told() if (b["state"], b["market"]) == ("hm.lists.stale", "SE")])
    assert told, f"nobody was told\n{machine.logs()}"
    assert (told[0]["market"], told[0]["day"], told[0]["message"]) == ("SE", "2021-06-01", 'D-1 came "late"')


def test_drift_that_stops_a_promotion_is_told(machine: LiveMachine) -> None:
    _happens(machine, "drifted('SE', date(2021, 6, 2), 'half of the items are new')")
    told = until(lambda: [b for b in machine.told() if b["state"] == "hm.drift"])
    assert told, f"nobody was told\n{machine.logs()}"
    assert (told[0]["day"], told[0]["message"]) == ("2021-06-02", "half of the items are new")


def test_a_night_that_never_came_is_told(machine: LiveMachine) -> None:
    made = {one["name"]: one for one in machine.ask("automations/filter", {})}
    slow = made["hm: no new lists of SE"]
    watched = {"match": {"prefect.resource.id": "hm.market.nowhere"}, "within": 20}  # not 26 hours
    wanted = {name: slow[name] for name in ("description", "actions")}
    hasty = machine.ask(
        "automations/", wanted | {"name": "no new lists of nowhere", "trigger": slow["trigger"] | watched}
    )
    try:
        _happens(machine, "lists_published('nowhere', date(2021, 6, 3), 'als')")
        told = until(lambda: [b for b in machine.told() if b["state"] == "missing"], seconds=240)
    finally:
        machine.ask(f"automations/{hasty['id']}", method="DELETE")
    assert told, f"nobody was told\n{machine.logs()}"
    assert told[0]["day"] == "2021-06-03", "the last one that was published"


def _happens(machine: LiveMachine, event: str) -> None:
    """An event of tasks/events.py, from another process."""
    code = f"from datetime import date; from tasks.events import *; {event}"
    subprocess.run([sys.executable, "-c", code], env=machine.env, check=True, timeout=120)
