"""A night without Prefect's server: its tasks are called as the plain functions they are.

    world = World(tmp_path / "world")
    world.settle()
    with world.entered():
        outcome = run_night("tiny", date(2021, 6, 9))

A world is everything a run touches, below one folder: raw data, configuration, results, MLflow, scratch.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task
from tiny_market import write_config, write_raw

from flows.backfill import backfill
from flows.daily import daily
from flows.gaps import gaps
from hm_pipeline.config import load
from hm_pipeline.report.outcome import Outcome
from hm_pipeline.storage import open_storage
from hm_pipeline.storage.stage import Manifest, materialise
from tasks.erasure import prune
from tasks.settings import settings

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_night(market: str, day: date, redo: bool = False) -> Outcome:
    """`daily`, here and now, without an orchestrator."""
    import torch

    torch.set_num_threads(1)
    with without_orchestrator():
        return daily.fn(market, day, redo=redo)


def run_backfill(market: str, first: date, last: date, only_missing: bool = False) -> list[date]:
    """`backfill`, here and now."""
    with without_orchestrator():
        return backfill.fn(market, first, last, only_missing)


def run_gaps(market: str, day: date) -> list[date]:
    """`gaps` as of a day, here and now."""
    with without_orchestrator():
        return gaps.fn(market, day=day)


def prune_as_of(market: str, day: date) -> list[date]:
    """What a run of `day` deletes before it begins."""
    return prune.fn(load(settings().config, market), day)


@contextmanager
def without_orchestrator() -> Iterator[None]:
    """Calling a task or a flow calls its function: no server, no retries, no states."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "__call__", lambda task, *args, **kwargs: task.fn(*args, **kwargs))
        patch.setattr(Flow, "__call__", lambda flow, *args, **kwargs: flow.fn(*args, **kwargs))
        yield


@dataclass(frozen=True)
class World:
    """The places of one installation; `root` may be a bucket."""

    folder: Path
    bucket: str = ""  # s3://bucket/prefix: results and raw data lie there

    @property
    def root(self) -> str:
        """Results."""
        return self.bucket or str(self.folder / "root")

    @property
    def raw(self) -> Path:
        """The raw layout, where it is a folder."""
        return self.folder / "raw"

    def settle(self, market: str = "") -> None:
        """Write configuration and raw data; `market`: further lines of the [market] table."""
        write_config(self.folder / "config", market)
        write_raw(self.raw)

    def environment(self) -> dict[str, str]:
        """What a process needs to live here."""
        return {
            "HM_ROOT": self.root,
            "HM_RAW": f"{self.bucket}/raw" if self.bucket else str(self.raw),
            "HM_CONFIG": str(self.folder / "config"),
            "HM_WORK": str(self.folder / "work"),
            "MLFLOW_TRACKING_URI": "",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "DO_NOT_TRACK": "1",
            **dict.fromkeys(_THREADS, "1"),
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
        }

    def process_environment(self) -> dict[str, str]:
        """For a program started here: this process's environment, at home in the world."""
        tests = Path(__file__).parent
        return os.environ | self.environment() | {"PYTHONPATH": f"{tests.parent}", "COLUMNS": "200"}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This process lives here meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            settings.cache_clear()
            yield
        settings.cache_clear()

    def latest(self, market: str) -> dict[str, Any] | None:
        """What the pointer says; None before the first night."""
        storage, key = open_storage(self.root), f"{market}/latest.json"
        keys = {entry.key for entry in storage.keys(market)}
        return json.loads(storage.read(key)) if key in keys else None

    def published(self, market: str) -> dict[str, bytes] | None:
        """The files that `latest` leads to, checked against their manifest; None before the first night."""
        shown = self.latest(market)
        if shown is None:
            return None
        storage = open_storage(self.root)
        manifest = Manifest.model_validate_json(storage.read(shown["manifest"]))
        folder = materialise(storage, manifest, self.folder / "fetched")
        return {record.name: (folder / record.name).read_bytes() for record in manifest.files}


class Place:
    """One folder in which worlds are laid out one after another: MLflow remembers absolute paths."""

    def __init__(self, folder: Path) -> None:
        self.world, self.folder = World(folder / "world"), folder

    def keep(self, name: str) -> None:
        """Remember the world as it is."""
        shutil.copytree(self.world.folder, self.folder / name)

    def back_to(self, name: str) -> World:
        """The world as it was."""
        shutil.rmtree(self.world.folder, ignore_errors=True)
        shutil.copytree(self.folder / name, self.world.folder)
        return self.world


def set_environment(values: dict[str, str]) -> None:
    """For a process that lives in one world only."""
    os.environ.update(values)
    settings.cache_clear()
