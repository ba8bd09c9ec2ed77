"""Small simulated shops, and what is looked at of them."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.files import parquet, raw_files
from hm_pipeline.simulation.oracle import walked_until
from hm_pipeline.simulation.shop import Day, Shop, open_shop, opening
from hm_pipeline.simulation.trade import CHUNK
from hm_pipeline.simulation.walk import walk

FIRST = date(2021, 5, 1)


def small(**changes: Any) -> Simulation:
    """Seconds of work: 600 people, 200 articles, a week."""
    own: dict[str, Any] = {
        "market": "sim",
        "timezone": "Europe/Stockholm",
        "first": FIRST,
        "days": 7,
        "users": 600,
        "items": 200,
        "interactions": 5_000,
        "bots": 0,
    }
    return Simulation(**{**own, **changes})


def contents(config: Simulation, chunk: int = CHUNK) -> dict[str, bytes]:
    """Every file by its path."""
    return {file.path: parquet(file.rows()) for file in raw_files(config, chunk)}


def written(config: Simulation, root: Path) -> Path:
    """The raw layout below `root`."""
    for path, content in contents(config).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def interactions(config: Simulation) -> pl.DataFrame:
    """All rows, with the day of their file."""
    frames = [
        file.rows().with_columns(day=file.day)
        for file in raw_files(config)
        if file.path.startswith("web_interactions/")
    ]
    return pl.concat(frames)


def views(config: Simulation) -> pl.DataFrame:
    """The clicks alone."""
    return interactions(config).filter(pl.col("event_type") == "view")


def a_day(config: Simulation, number: int = 0) -> tuple[Shop, Day, np.ndarray]:
    """A day as it begins, and its clicks as they will be."""
    shop = open_shop(config)
    day = walked_until(shop, number, opening(shop))
    return shop, day, walk(day.visits, day.demand, day.rule, config, day.chance.of("walk"))
