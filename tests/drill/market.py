"""The tiny market with so many days that each fault has its own; two models, one a pool, and no refit: it is quick."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import tiny_market
import yaml
from live_machine import DEPLOY

MARKET = tiny_market.MARKET
NIGHTS = 70  # run dates
WAIT_MINUTES = 0.2  # for a worker
IMPATIENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",  # a call gives up after half a minute; with MLflow's own 7 after four
    "PREFECT_WORKER_QUERY_SECONDS": "2",  # a worker asks for work that often; Prefect's own 10 make a night 20 s longer
}

_PROFILE = """
[models.itemknn]
max_neighbours = 1

[models.lstm]
user_embedding = 4
item_embedding = 16
hidden = 24
layers = 1
state_dim = 16

[models.lstm.training]
batch_targets = 128
max_lr = 0.03
cycle_epochs = 3
max_epochs = 3
validations_per_epoch = 2
checkpoint_every_steps = 4
loss = { kind = "sampled", negatives = 64 }
"""

_POOLS = f"""
[cpu]
kinds = ["itemknn"]
rate_per_hour = 0.1
wait_minutes = {WAIT_MINUTES}

[gpu]
kinds = ["lstm"]
exclusive = true
rate_per_hour = 0.4
wait_minutes = {WAIT_MINUTES}
"""


def write_raw(folder: Path) -> None:
    """The raw layout of all days."""
    tiny_market.DAYS = tiny_market.WINDOW + NIGHTS
    tiny_market.write_raw(folder)


def run_dates() -> Iterator[date]:
    """Those with a whole window, oldest first."""
    first = tiny_market.FIRST + timedelta(days=tiny_market.WINDOW)
    return (first + timedelta(days=n) for n in range(NIGHTS))


def write_config(place: Path) -> Path:
    """deploy/ with this market beside the others, and no market on a schedule."""
    config = place / "deploy"
    shutil.copytree(DEPLOY, config)
    tiny_market.write_config(place / "tiny")
    told = (place / "tiny" / "markets" / f"{MARKET}.toml").read_text()
    (config / "markets" / f"{MARKET}.toml").write_text(told.replace("[publish]", "[publish]\nrefit = false"))
    (config / "profiles" / "tiny.toml").write_text(_PROFILE)
    (config / "pools.toml").write_text(_POOLS)
    content = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    for entry in content["deployments"]:
        entry["schedules"] = [plan | {"active": False} for plan in entry.get("schedules", [])]
    ours = [
        entry | {"name": MARKET, "parameters": {"market": MARKET}}
        for entry in content["deployments"]
        if entry["name"] == "demo"
    ]
    others = [e for e in content["deployments"] if e["name"] in {"cpu", "gpu", "backfill"}]
    content["deployments"] = [*ours, *others]
    (config / "prefect.yaml").write_text(yaml.safe_dump(content))
    return config


def through(config: Path, proxy: str) -> None:
    """Let workers and MLflow speak to S3 by way of the proxy, and nobody wait for long."""
    file = config / "machine" / "supervisord.conf"
    text, way = file.read_text(), {"AWS_ENDPOINT_URL": proxy} | IMPATIENT
    told = "".join(f',{name}="{value}"' for name, value in way.items())
    for mark in ('environment=HM_PART="workers"', 'environment=MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"'):
        assert mark in text, f"{file} has no line {mark}"
        text = text.replace(mark, mark + told)
    file.write_text(text)
