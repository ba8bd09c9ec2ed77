"""deploy/compose.yaml is a compose file, publishes on loopback alone, and holds no secret."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from manifests import COMPOSE, DEPLOY, compose_containers, services

EXAMPLE = DEPLOY / ".env.example"


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_what_the_compose_specification_asks_for(tmp_path: Path):
    done = checked(COMPOSE)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "compose.yaml"
    broken.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchecks:"))
    assert checked(broken).returncode == 1


def test_every_port_is_published_on_loopback_alone():
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_has_no_default_is_asked_for_by_the_example_and_empty_there():
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    known = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    lines = dict(line.split("=", 1) for line in EXAMPLE.read_text().splitlines() if re.match(r"\w+=", line))
    assert set(lines) == needed
    assert not any(lines.values())
    offered = set(re.findall(r"^#? ?(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert known == offered


@pytest.mark.parametrize("container", list(compose_containers()), ids=lambda container: container.name)
def test_the_projects_own_containers_can_write_nowhere_else_and_gain_nothing(container):
    assert container.spec["read_only"] is True
    assert container.spec["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container.spec["security_opt"]


def test_a_file_that_is_mounted_or_run_exists():
    mounted = [
        volume.split(":")[0]
        for service in services().values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    run = [w for c in compose_containers() for w in c.command if w.startswith("/app/deploy/")]
    assert mounted
    assert run
    assert all((DEPLOY / path).is_file() for path in mounted)
    assert all((DEPLOY / path.removeprefix("/app/deploy/")).is_file() for path in run)


def test_only_the_two_servers_reach_postgres():
    assert {name for name, s in services().items() if "back" in s["networks"]} == {
        "postgres",
        "prefect",
        "mlflow",
    }
