"""What deploy/prefect.yaml says, and sending it to the server."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint

from flows.setting_up.server import ServerError
from hm_pipeline.errors import ConfigError


def declared(config: Path) -> list[dict[str, Any]]:
    """The deployments of prefect.yaml, as they stand there. ConfigError."""
    file = config / "prefect.yaml"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return list(content["deployments"])
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist: set HM_CONFIG to the folder that has it") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} declares no deployments: {error!r}") from None


def names(config: Path) -> list[str]:
    """`daily/SE` and so on."""
    return [f"{flow_of(entry['entrypoint']).name}/{entry['name']}" for entry in declared(config)]


def scheduled_markets(config: Path) -> list[str]:
    """The markets whose nights run by themselves: `daily` with an active schedule."""
    return [
        entry["parameters"]["market"]
        for entry in declared(config)
        if "daily" in entry["tags"] and any(s.get("active", True) for s in entry.get("schedules", []))
    ]


@cache
def flow_of(entrypoint: str) -> Flow[..., Any]:
    """The flow that a deployment runs."""
    return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)


def deploy(config: Path) -> None:
    """Send all of them; those that are there are brought up to date. ServerError with what Prefect said."""
    command = ["--no-prompt", "deploy", "--all", "--prefect-file", str(config / "prefect.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerError(
            f"prefect {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )


def undeployed(client: SyncPrefectClient, config: Path) -> Iterator[str]:
    """Those of prefect.yaml that the server does not know."""
    for name in names(config):
        try:
            client.read_deployment_by_name(name)
        except ObjectNotFound:
            yield f"deployment {name}"
