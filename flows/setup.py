"""`hm set-up`: a Prefect server that knows the project. Twice makes nothing twice.

work pools, limits ─ webhook ─ deployments ─ automations
"""

from collections.abc import Iterator
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient

from flows.display import console
from flows.setting_up.automations import ensure_automations, lacking, wind_up
from flows.setting_up.deployments import (
    deploy,
    names,
    scheduled_markets,
    take_away_undeclared,
    undeclared,
    undeployed,
)
from flows.setting_up.pools import PoolType, ensure_pools, find_pool, has_slot, slots, work_pools
from flows.setting_up.server import api_url, connected
from flows.setting_up.webhook import ensure_webhook, find_webhook
from tasks.settings import settings

SILENT = "nobody is told of failures: set HM_WEBHOOK to a url that takes a POST, and run `hm set-up` again"


def set_up(kind: PoolType = "process", templates: Path | None = None) -> None:
    """Everything of deploy/ that belongs on the server, and a line on each."""
    console.print(f"[bold]{api_url()}[/bold]")
    for line in _done(kind, templates):
        mark = "[yellow]![/]" if line == SILENT else "[green]✓[/]"
        console.print(f"{mark} {line}", soft_wrap=True, highlight=False)


def _done(kind: PoolType, templates: Path | None) -> Iterator[str]:
    config = settings().config
    with connected() as client:
        yield from ensure_pools(client, config, kind, templates)
        webhook = ensure_webhook(client, settings().webhook)
        yield SILENT if webhook is None else "a webhook is told of failures"
        deploy(config)
        yield from (f"deployment {name}" for name in names(config))
        yield from take_away_undeclared(client, config)
        yield from ensure_automations(client, config, webhook)
        wind_up(scheduled_markets(config))


def missing() -> list[str]:
    """What the server lacks or has too much; [] if it is as deploy/ says. Changes nothing."""
    with connected() as client:
        return list(_lacks(client, settings().config))


def _lacks(client: SyncPrefectClient, config: Path) -> Iterator[str]:
    for name, limit in work_pools(config).items():
        pool = find_pool(client, name)
        if pool is None or pool.concurrency_limit != limit:
            yield f"work pool {name} with {'no limit' if limit is None else f'a limit of {limit}'}"
    yield from (f"concurrency limit {name} of 1" for name in slots(config) if not has_slot(client, name))
    yield from undeployed(client, config)
    for name in undeclared(client, config):
        yield f"deployment {name} is there, but no longer in prefect.yaml: `hm set-up` takes it away"
    yield from lacking(client, config, find_webhook(client))


def check() -> bool:
    """Say what the server lacks or has too much; whether it is as it should be."""
    lacks = missing()
    for line in lacks:
        console.print(f"[red]✗[/] {line}", soft_wrap=True)
    if not lacks:
        console.print(f"[green]✓[/] {api_url()} has everything of {settings().config}")
    return not lacks
