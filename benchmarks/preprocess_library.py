"""Ours: as the tasks of a night call it, without the tasks."""

import time
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from preprocess_result import RUN_DAY, T_DAY, Result

from hm_pipeline.data.build import build
from hm_pipeline.data.extract import examine, judge
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples

MARKET = Path(__file__).resolve().parents[1] / "deploy" / "markets" / "sim.toml"


def run(days: Sequence[Path], place: Path) -> tuple[Result, dict[str, float]]:
    """Extract, then samples of `next_day`; nobody validates: only the library knows its hash of users."""
    began = time.perf_counter()
    market = MarketConfig(**tomllib.loads(MARKET.read_text())["market"])
    files = {date.fromisoformat(day.name[5:]): sorted(day.iterdir()) for day in days}
    found = examine(files, market, date.fromisoformat(RUN_DAY), place=place / "log")
    judge(found, market)
    found.log.save(place / "log")
    extracted = time.perf_counter()
    log, config = InteractionLog.load(place / "log"), SampleConfig(validation_share=0)
    samples = build(
        log, Catalogue.empty(), config, "next_day", date.fromisoformat(T_DAY), place=place / "samples"
    )
    samples.save(place / "samples")
    parts = {"extract": extracted - began, "samples": time.perf_counter() - extracted}
    return _result(samples, found.counts["accepted"]), parts


def _result(samples: Samples, rows: int) -> Result:
    train = samples.train
    arrays: dict[str, np.ndarray] = {
        "flat": train.flat,
        "counts": samples.counts,
        "train.starts": train.starts,
        "train.ends": train.ends,
    }
    for name in ("first", "last"):
        asked = samples.holdouts[name]
        views = {field: getattr(asked.histories, field) for field in ("users", "starts", "ends")}
        arrays |= {f"{name}.{field}": array for field, array in {**views, "targets": asked.targets}.items()}
    return Result(rows, samples.items.ids, samples.users.ids, arrays)
