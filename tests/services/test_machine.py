"""`make up`, `make down`: all real, on loopback."""

import json
import os
import signal
import socket
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from live_machine import LiveMachine, until

from flows.machine import leftovers


def test_a_deployment_with_a_cron_gets_scheduled_runs(machine: LiveMachine) -> None:
    planned = until(lambda: _scheduled(machine, "daily", "SE"))
    assert planned, f"no scheduled run of daily/SE\n{machine.logs()}"
    local = [moment.astimezone(ZoneInfo("Europe/Stockholm")) for moment in planned]
    assert {(moment.hour, moment.minute) for moment in local} == {(3, 0)}
    assert len({moment.date() for moment in local}) == len(local)


def test_a_market_of_historical_data_gets_none(machine: LiveMachine) -> None:
    assert until(lambda: _scheduled(machine, "gaps", "SE"))
    assert not _scheduled(machine, "daily", "demo")


def test_the_gpu_trains_one_model_at_a_time(machine: LiveMachine) -> None:
    limits = {pool["name"]: pool["concurrency_limit"] for pool in machine.ask("work_pools/filter", {})}
    assert limits == {"orchestrator-pool": None, "cpu-pool": None, "gpu-pool": 1}
    slots = machine.ask("v2/concurrency_limits/filter", {})
    assert [(slot["name"], slot["limit"]) for slot in slots if slot["name"] == "gpu"] == [("gpu", 1)]


def test_up_twice_is_up_once(machine: LiveMachine) -> None:
    before = _inventory(machine)
    again = machine.hm("up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert _inventory(machine) == before
    assert machine.hm("status").returncode == 0


def test_the_server_lacks_nothing_and_says_what_it_lacks(machine: LiveMachine) -> None:
    assert machine.there("set-up", "--check").returncode == 0
    lost = next(a for a in machine.ask("automations/filter", {}) if "heartbeats" in a["name"])
    machine.ask(f"automations/{lost['id']}", method="DELETE")
    lacking = machine.there("set-up", "--check")
    assert lacking.returncode == 1
    assert "heartbeats" in lacking.stdout
    mended = machine.there("set-up")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    names = [automation["name"] for automation in machine.ask("automations/filter", {})]
    assert names.count(lost["name"]) == 1


def test_no_secret_is_said_or_logged(machine: LiveMachine) -> None:
    keys = json.loads((machine.folder / "s3-keys.json").read_text())
    logs = [file.read_text(errors="replace") for file in (machine.folder / "logs").iterdir()]
    for said in [*logs, *machine.said]:
        assert keys["secret"] not in said
        assert "a-secret-path" not in said
    assert {(machine.folder / name).stat().st_mode & 0o077 for name in ("env", "s3-keys.json")} == {0}


def test_a_taken_port_is_named_with_the_setting_that_moves_it(machine: LiveMachine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        refused = machine.hm("up", HM_UP=f"{machine.folder}-2", HM_PREFECT_PORT=port)
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert "HM_PREFECT_PORT" in refused.stderr
    assert not leftovers.marked(machine.folder.with_name("up-2"))


def test_after_a_killed_supervisor_down_ends_everything_and_up_finds_the_data(machine: LiveMachine) -> None:
    machine.s3().put_object(Bucket="hm-pipeline", Key="kept", Body=b"kept")
    before = _inventory(machine)
    os.kill(int((machine.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    assert leftovers.marked(machine.folder)
    down = machine.hm("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not leftovers.marked(machine.folder)
    assert not any(_listens(url) for url in machine.urls.values())
    up = machine.hm("up")
    assert up.returncode == 0, f"{up.stdout}{up.stderr}\n{machine.logs()}"
    assert machine.s3().get_object(Bucket="hm-pipeline", Key="kept")["Body"].read() == b"kept"
    after = _inventory(machine)
    assert {key: after[key] for key in after if key != "processes"} == {
        key: before[key] for key in before if key != "processes"
    }


def _inventory(machine: LiveMachine) -> dict[str, Any]:
    """All that a second `up` might double."""
    rooms = ("work_pools", "automations", "block_documents", "deployments", "v2/concurrency_limits")
    found: dict[str, Any] = {
        room: sorted((one["id"], one["name"]) for one in machine.ask(f"{room}/filter", {})) for room in rooms
    }
    status = machine.hm("status").stdout
    found["processes"] = sorted(line.split("uptime")[0] for line in status.splitlines())
    return found


def _scheduled(machine: LiveMachine, flow: str, deployment: str) -> list[datetime]:
    which = {
        "flows": {"name": {"any_": [flow]}},
        "deployments": {"name": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = machine.ask("flow_runs/filter", which)
    return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]


def _listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0
