"""Work pools and limits: what runs where, and how many at once.

orchestrator-pool   nights, backfills and gap checks, which mostly wait: no limit
{pool}-pool         trainings, one pool for each of deploy/pools.toml; an exclusive one runs one at a time,
                    held by the work pool's limit and by the one slot of the global limit {pool}
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from flows.setting_up.server import ServerError
from hm_pipeline.errors import ConfigError

PoolType = Literal["process", "kubernetes", "docker"]
ORCHESTRATOR = "orchestrator-pool"
Limits = dict[str, int | None]


def work_pools(config: Path) -> Limits:
    """Every work pool and how many runs it takes at once; None: any number."""
    return {ORCHESTRATOR: None} | {f"{n}-pool": 1 if only_one else None for n, only_one in _pools(config)}


def slots(config: Path) -> list[str]:
    """The global concurrency limits, of one slot each."""
    return [name for name, only_one in _pools(config) if only_one]


def _pools(config: Path) -> list[tuple[str, bool]]:
    try:
        pools = tomllib.loads((config / "pools.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{config / 'pools.toml'}: {error}. Set HM_CONFIG to the folder that has it"
        ) from None
    return [(name, bool(pool.get("exclusive", False))) for name, pool in pools.items()]


def ensure_pools(
    client: SyncPrefectClient, config: Path, kind: PoolType, templates: Path | None
) -> Iterator[str]:
    """Make what is absent, correct limits and job templates; a sentence on each pool and limit.

    `templates` may hold {pool}.json or {kind}.json, the base job template of a pool or of all; without one a
    new pool gets its type's default. ServerError for a pool of another type, which only a person may delete.
    """
    for name, limit in work_pools(config).items():
        template = _template(name, kind, templates)
        found = find_pool(client, name)
        if found is None:
            base = template or _default_template(kind)
            client.create_work_pool(
                WorkPoolCreate(name=name, type=kind, concurrency_limit=limit, base_job_template=base)
            )
        else:
            _correct(client, found, kind, limit, template)
        yield f"work pool {name} ({kind}{', one run at a time' if limit == 1 else ''})"
    for name in slots(config):
        client.upsert_global_concurrency_limit_by_name(name, 1)
        yield f"concurrency limit {name}, 1 slot"


def find_pool(client: SyncPrefectClient, name: str) -> WorkPool | None:
    """The pool, or None."""
    try:
        return client.read_work_pool(name)
    except ObjectNotFound:
        return None


def has_slot(client: SyncPrefectClient, name: str) -> bool:
    """Whether the global limit is there, with its one slot."""
    try:
        return client.read_global_concurrency_limit_by_name(name).limit == 1
    except ObjectNotFound:
        return False


def _correct(
    client: SyncPrefectClient,
    pool: WorkPool,
    kind: PoolType,
    limit: int | None,
    template: dict[str, Any] | None,
) -> None:
    if pool.type != kind:
        raise ServerError(
            f"work pool {pool.name} is of type {pool.type}, not {kind}: use --type {pool.type}, or "
            f"delete it first (prefect work-pool delete {pool.name}; its scheduled runs are lost)"
        )
    change: dict[str, Any] = {}
    if pool.concurrency_limit != limit:
        change["concurrency_limit"] = limit
    if template is not None and pool.base_job_template != template:
        change["base_job_template"] = template
    if change:
        client.update_work_pool(pool.name, WorkPoolUpdate(**change))


def _template(pool: str, kind: PoolType, folder: Path | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    files = [folder / f"{pool}.json", folder / f"{kind}.json"]
    found = next((file for file in files if file.exists()), None)
    if found is None:
        raise ConfigError(f"no job template for {pool}: neither {files[0]} nor {files[1]} exists")
    try:
        template: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{found} is not JSON: {error}") from None
    return template


def _default_template(kind: PoolType) -> dict[str, Any]:
    """What Prefect ships for the type; {} where it ships none here: the first worker fills it in."""
    return run_coro_as_sync(get_default_base_job_template_for_infrastructure_type(kind)) or {}
