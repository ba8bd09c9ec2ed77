"""Small raw partitions for the tests of extract: six good views a day, then whatever is to be wrong."""

import gzip
import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hm_pipeline.data.market import ContractConfig, InteractionColumns, MarketConfig

DAY = date(2021, 6, 10)  # the run date
LAST = DAY - timedelta(days=1)
COLUMNS = ("user_id", "item_id", "timestamp", "event_type", "price")


def market(**changes: object) -> MarketConfig:
    """A market of ten days that tolerates much, so that single rows can be looked at."""
    values = {
        "name": "SE",
        "timezone": "Europe/Stockholm",
        "window_days": 10,
        "interactions": InteractionColumns(price="price"),
        "contract": ContractConfig(max_rejected_share=0.9, max_id_length=20, max_events_per_user_day=9),
    }
    return MarketConfig(**{**values, **changes})


def row(
    user: str | None = "u1",
    item: str | None = "i1",
    timestamp: str | None = f"{LAST}T10:00:00Z",
    event: str | None = "view",
    price: str | None = "9.9",
) -> dict[str, str | None]:
    return dict(zip(COLUMNS, (user, item, timestamp, event, price), strict=True))


def good(day: date = LAST, n: int = 6) -> list[dict[str, str | None]]:
    return [row(f"u{i % 3}", f"i{i}", f"{day}T10:0{i % 10}:00Z") for i in range(n)]


def csv(rows: Iterable[dict[str, str | None]], header: Iterable[str] = COLUMNS) -> bytes:
    lines = [",".join(header), *(",".join(value or "" for value in r.values()) for r in rows)]
    return ("\n".join(lines) + "\n").encode()


def jsonl(rows: Iterable[dict[str, str | None]]) -> bytes:
    return "".join(json.dumps(r) + "\n" for r in rows).encode()


def write(folder: Path, name: str, content: bytes | pl.DataFrame) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pl.DataFrame):
        content.write_parquet(file)
    else:
        file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file
