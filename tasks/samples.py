"""A window's log to the samples of a protocol."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.data.build import build
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.samples import Protocol, Samples
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept


@task(name="samples", **ON_STORAGE)
def build_samples(run: Run, window: Stored[InteractionLog], protocol: Protocol) -> Stored[Samples]:
    """`next_day` for the candidates, asked about D-1; `refit` for the winner and everybody's lists."""
    made_from = [window.prefix, run.config.samples.model_dump(mode="json"), protocol]

    def produce(folder: Path) -> dict[str, Any]:
        place = window.folder()
        log, catalogue = InteractionLog.load(place / "log"), Catalogue.load(place / "catalogue")
        last = run.day - timedelta(days=1)
        samples = build(log, catalogue, run.config.samples, protocol, last,
                        place=folder, memory_mb=settings().memory_mb)  # fmt: skip
        samples.save(folder)
        return {"log": window.prefix, **_facts(samples)}

    return kept(run, "samples", made_from, ("data",), produce, title=f"samples {protocol}")


def _facts(samples: Samples) -> dict[str, Any]:
    users, items = len(samples.users) - 1, len(samples.items) - 1
    return {
        "digest": samples.digest,
        "first_day": samples.first_day,
        "last_day": samples.last_day,
        "users": users,
        "items": items,
        "targets": samples.targets,
        "asked": {name: len(holdout) for name, holdout in samples.holdouts.items()},
        "said": f"{samples.targets:,} targets · {users:,} users · {items:,} items",
    }
