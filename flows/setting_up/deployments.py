"""What deploy/prefect.yaml says, and sending it to the server."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint

from flows.setting_up.server import ServerError
from hm_pipeline.errors import ConfigError

OURS = "hm"  # the tag of all that prefect.yaml declares
PACKAGE = "flows."  # how the entrypoints of the project's flows begin


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


def undeclared(client: SyncPrefectClient, config: Path) -> dict[str, DeploymentResponse]:
    """Ours that the server has and prefect.yaml no longer does, by name: their schedules would go on."""
    known = set(names(config))
    found = {f"{client.read_flow(one.flow_id).name}/{one.name}": one for one in _ours(client)}
    return {name: one for name, one in found.items() if name not in known}


def take_away_undeclared(client: SyncPrefectClient, config: Path) -> Iterator[str]:
    """Delete them with their planned runs, and say so; runs that live go on to their end."""
    for name, one in undeclared(client, config).items():
        client.delete_deployment(one.id)
        yield f"deployment {name} taken away: prefect.yaml no longer declares it"


def _ours(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    """Those with our tag that run a flow of this package; the tag alone may be somebody else's too."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS]))
    page, size = 0, 200
    while batch := client.read_deployments(deployment_filter=tagged, limit=size, offset=page * size):
        yield from (one for one in batch if (one.entrypoint or "").startswith(PACKAGE))
        page += 1
