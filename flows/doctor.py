"""Is everything here that a run needs? Each check says what it found and what to do."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from uuid import uuid4

from packaging.version import Version

from flows.display import console
from hm_pipeline.config import load, markets
from hm_pipeline.errors import HmPipelineError
from tasks import tracking
from tasks.settings import settings

# package -> first version known to break at run time though pip is content, and how it shows
_TRAPS = {
    "fastapi": ("0.151", "every flow without a server dies at start"),
    "sqlalchemy": ("2.1", "the scheduler silently never schedules a run"),
    "prefect": ("3.9", "untested with the rest of constraints.txt"),
}
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # MLflow: minutes
_NEEDED = (
    "prefect", "torch", "polars", "implicit", "annoy", "faiss-cpu",
    "mlflow", "boto3", "pydantic", "safetensors",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, and what was seen or is to be done."""

    what: str
    well: bool
    said: str


def check_all() -> bool:
    """Run every check and print it; whether all is well."""
    findings = [finding for check in _CHECKS for finding in check()]
    for f in findings:
        console.print(f"{'[green]✓' if f.well else '[red]✗'}[/] {f.what:<28} {f.said}", soft_wrap=True)
    return all(f.well for f in findings)


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", well, found if well else f"{found}: use 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    for name in _NEEDED:
        found = _installed(name)
        yield Finding(name, found is not None, found or "not installed: make install")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _traps() -> Iterator[Finding]:
    for name, (broken_from, effect) in _TRAPS.items():
        found = _installed(name)
        well = found is not None and Version(found) < Version(broken_from)
        said = f"{found} < {broken_from}" if well else f"{found or 'absent'}: {effect}; make install"
        yield Finding(f"{name} is no trap", well, said)


def _markets() -> Iterator[Finding]:
    folder = settings().config
    names = markets(folder)
    if not names:
        yield Finding("configuration", False, f"no market under {folder}: set HM_CONFIG or change folder")
    for name in names:
        yield _tried(f"market {name}", partial(_profile, name))


def _profile(market: str) -> str:
    return f"profile {load(settings().config, market).profile}"


def _storage() -> Iterator[Finding]:
    yield _tried("storage", _conditional_write)
    yield _tried("raw data", _raw_files)


def _raw_files() -> str:
    files = len(settings().raw_storage.keys())
    return f"{files:,} files at {settings().raw}{'' if files else ': `hm import`, or set HM_RAW'}"


def _conditional_write() -> str:
    """What the ledger rests on: the second of two writers is told so."""
    storage, key = settings().storage, f"doctor/{uuid4().hex}"
    first, second = storage.create(key, b"1"), storage.create(key, b"2")
    storage.delete(key)
    if not first or second:
        raise HmPipelineError(f"{storage.uri} overwrites under If-None-Match: no ledger is safe there")
    return f"{storage.uri} writes conditionally"


def _tracking() -> Iterator[Finding]:
    for name, value in _IMPATIENT.items():
        os.environ.setdefault(name, value)
    uri = settings().mlflow_tracking_uri
    yield _tried("tracking", lambda: f"{len(tracking.client().search_experiments())} experiments at {uri}")


def _prefect() -> Iterator[Finding]:
    if os.environ.get("PREFECT_API_URL"):
        yield _tried("prefect", _pools)


def _pools() -> str:
    from flows.setting_up.server import api_url, connected  # only where a server is named

    with connected() as client:
        pools = sorted(pool.name for pool in client.read_work_pools())
    return f"{api_url()} answers; work pools: {', '.join(pools) or 'none, `hm set-up` makes them'}"


def _disk() -> Iterator[Finding]:
    try:
        settings().work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield Finding("disk", False, f"{settings().work} cannot be made ({error.strerror}): set HM_WORK")
        return
    free = shutil.disk_usage(settings().work).free / 2**30
    advice = "" if free > 2 else ": make room, a market wants 2"
    yield Finding("disk", free > 2, f"{free:,.1f} GiB free at {settings().work}{advice}")


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except HmPipelineError as error:
        return Finding(what, False, str(error))


_CHECKS = (_python, _packages, _traps, _markets, _storage, _tracking, _prefect, _disk)
