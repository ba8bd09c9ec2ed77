"""Automations, one file each in deploy/automations: what the server does by itself when something goes wrong.

A file is Prefect's own YAML with up to four words to fill in:

    ${webhook}   the webhook block's id: without a webhook the file is left out
    ${market}    made once for each market whose daily schedule is active
    ${pools}     the names of the project's work pools
    ${ui}        where the server's pages are
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Template
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.events import emit_event
from prefect.events.schemas.automations import Automation, AutomationCore
from pydantic import ValidationError

from flows.setting_up.deployments import scheduled_markets
from flows.setting_up.pools import work_pools
from flows.setting_up.server import ui_url
from hm_pipeline.errors import ConfigError

OURS = "hm: "  # how the names of the project's automations begin


def wanted(config: Path, webhook: str | None, ui: str) -> list[AutomationCore]:
    """All that belong on the server. ConfigError for a file that Prefect cannot read."""
    common = {"pools": ", ".join(work_pools(config)), "ui": ui}
    if webhook is not None:
        common["webhook"] = webhook
    markets = scheduled_markets(config)
    return [
        _parsed(file, text)
        for file in sorted((config / "automations").glob("*.yaml"))
        for text in _filled(Template(file.read_text(encoding="utf-8")), common, markets)
    ]


def _filled(template: Template, common: dict[str, str], markets: Iterable[str]) -> Iterator[str]:
    words = set(template.get_identifiers())
    each = [{"market": market} for market in markets] if "market" in words else [{}]
    if "webhook" in words and "webhook" not in common:
        return
    for own in each:
        yield template.substitute(common | own)


def _parsed(file: Path, text: str) -> AutomationCore:
    try:
        return AutomationCore.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{file} is no automation: {error}") from None


def ensure_automations(client: SyncPrefectClient, config: Path, webhook: str | None) -> Iterator[str]:
    """Exactly the wanted ones, each once; a sentence on each.

    One that is there as it should be is not touched: made anew it would forget the heartbeats and
    publications that it is waiting for.
    """
    there = _there(client)
    for automation in wanted(config, webhook, ui_url()):
        same_name = there.pop(automation.name, [])
        kept = next((old for old in same_name if is_same(old, automation)), None)
        for old in same_name:
            if old is not kept:
                client.delete_automation(old.id)
        if kept is None:
            client.create_automation(automation)
        yield f"automation {automation.name.removeprefix(OURS)!r}"
    for old in (old for olds in there.values() for old in olds):
        client.delete_automation(old.id)
        yield f"automation {old.name.removeprefix(OURS)!r} taken away"


def wind_up(markets: Iterable[str]) -> None:
    """Start the clocks of the nights that might go missing; one that runs is not disturbed."""
    for market in markets:
        resource = {"prefect.resource.id": f"hm.market.{market}", "prefect.resource.name": market}
        emit_event("hm.market.watched", resource)


def lacking(client: SyncPrefectClient, config: Path, webhook: str | None) -> Iterator[str]:
    """The wanted ones that are absent, changed, or there twice."""
    there = _there(client)
    for automation in wanted(config, webhook, ui_url()):
        same_name = there.get(automation.name, [])
        if len(same_name) != 1 or not is_same(same_name[0], automation):
            yield (
                f"automation {automation.name!r} (found {len(same_name)}, of which as it should be "
                f"{sum(is_same(old, automation) for old in same_name)})"
            )


def is_same(old: Automation, new: AutomationCore) -> bool:
    """Whether the server's is what the file says, ids aside."""
    return _bare(AutomationCore.model_validate(old.model_dump())) == _bare(new)


def _bare(automation: AutomationCore) -> dict[str, Any]:
    return automation.model_dump(exclude={"owner_resource"})  # sets stay sets, which know no order


def _there(client: SyncPrefectClient) -> dict[str, list[Automation]]:
    """The project's own by name; others on the server are nobody's business here."""
    found: dict[str, list[Automation]] = {}
    page, size = 0, 200
    while batch := client.read_automations(limit=size, offset=page * size):
        for automation in batch:
            if automation.name.startswith(OURS):
                found.setdefault(automation.name, []).append(automation)
        page += 1
    return found
