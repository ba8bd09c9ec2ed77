"""A market small enough for a night in seconds: 400 returning shoppers, 40 articles, twelve days.

Nine views of ten lead to the article's one successor, so that a sequence model has something to learn.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

MARKET = "tiny"
FIRST = date(2021, 6, 1)
DAYS = 12
WINDOW = 8
NIGHTS = tuple(FIRST + timedelta(days=d) for d in range(WINDOW, DAYS + 1))  # run dates with a whole window
USERS, ITEMS = 400, 40

_MARKET = """
profile = "tiny"

[market]
name = "tiny"
timezone = "UTC"
window_days = 8
{market}
[market.interactions]
price = "price"

[market.articles]
name = "name"
category = "category"

[market.users]
age = "age"

[market.contract]
min_day_share = 0.5
max_missing_share = 0.0

[publish]
k = 5

[gate]
min_targets = 20
margin = 0.5
nights_running = 1
z = 10
"""

_PROFILE = """
[models.popularity]

[models.itemknn]
max_neighbours = 1

[models.aals]
factors = 8
iterations = 3

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

_POOLS = """
[cpu]
kinds = ["popularity", "repeat", "itemknn", "aals"]
rate_per_hour = 0.1

[gpu]
kinds = ["lstm"]
rate_per_hour = 0.4
"""


def write_config(folder: Path, market: str = "") -> None:
    """markets, profiles and pools; `market`: further lines of the [market] table."""
    for name, content in {
        "markets/tiny.toml": _MARKET.format(market=market),
        "profiles/tiny.toml": _PROFILE,
        "pools.toml": _POOLS,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def write_raw(root: Path, seed: int = 0) -> None:
    """Twelve days of views, the articles and the users, in the raw layout."""
    log = views(seed)
    for day in range(DAYS):
        write_day(root, FIRST + timedelta(days=day), log)
    articles = {
        "item_id": [f"i{i:02d}" for i in range(ITEMS)],
        "name": [f"article {i}" for i in range(ITEMS)],
        "category": ["trousers" if i % 3 else "hats" for i in range(ITEMS)],
    }
    users = {"user_id": [f"u{u:04d}" for u in range(USERS)], "age": [20 + u % 50 for u in range(USERS)]}
    for room, table in (("articles", articles), ("users", users)):
        file = root / room / f"market={MARKET}" / f"{room}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(table).write_csv(file)


def write_day(root: Path, day: date, log: pl.DataFrame) -> Path:
    """One partition of `log`."""
    file = folder_of(root, day) / "part-0.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    log.filter(pl.col("timestamp").dt.date() == day).write_csv(file, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return file


def folder_of(root: Path, day: date) -> Path:
    """Where a partition lies."""
    return root / "web_interactions" / f"market={MARKET}" / f"date={day}"


def views(seed: int = 0) -> pl.DataFrame:
    """user_id, item_id, timestamp, event_type, price: about 7,000 rows."""
    draw = np.random.default_rng(seed)
    around = draw.permutation(ITEMS)
    successor = np.empty(ITEMS, dtype=np.int64)
    successor[around] = np.roll(around, -1)
    rows = [row for user in range(USERS) for row in _walk(user, successor, draw)]
    rows.append(
        (f"u{7:04d}", "i00", datetime(2021, 6, 7, 12, tzinfo=UTC), "view", -1.0)
    )  # for the quarantine
    names = ["user_id", "item_id", "timestamp", "event_type", "price"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _walk(user: int, successor: np.ndarray, draw: np.random.Generator) -> list[tuple[object, ...]]:
    item, rows = int(draw.integers(ITEMS)), []
    for day in range(DAYS):
        if draw.random() < 0.5:
            for _ in range(int(draw.integers(2, 5))):
                item = int(successor[item]) if draw.random() < 0.9 else int(draw.integers(ITEMS))
                rows.append((day, item))
    start = datetime.combine(FIRST, datetime.min.time(), UTC)
    return [
        (f"u{user:04d}", f"i{item:02d}", start + timedelta(days=day, minutes=n), "view", 9.5 + item)
        for n, (day, item) in enumerate(rows)
    ]
