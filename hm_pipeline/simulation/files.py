"""The raw layout of a simulated market, file by file, in the order of its days.

users/market=M/users.parquet                                         with the first day
web_interactions/market=M/date=2021-05-01/part-000.parquet
articles/market=M/date=2021-05-01/articles.parquet                   as the day ends: a run may know it
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from io import BytesIO

import polars as pl

from hm_pipeline.simulation.clientele import known_of_users
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.shop import Shop, State, day_of, open_shop, opening
from hm_pipeline.simulation.trade import CHUNK, parts

_ROW_GROUP = 250_000  # rows: fixed, so that the bytes are


@dataclass(frozen=True, eq=False)
class RawFile:
    """A file of a day that has been walked; its rows are made when they are asked for."""

    day: date
    path: str  # below the raw root
    rows: Callable[[], pl.DataFrame]


def parquet(rows: pl.DataFrame) -> bytes:
    """The content of a file of these rows: the same rows, the same bytes."""
    content = BytesIO()
    rows.write_parquet(content, compression="zstd", row_group_size=_ROW_GROUP)
    return content.getvalue()


def raw_files(config: Simulation, chunk: int = CHUNK) -> Iterator[RawFile]:
    """All files of the market; take them one by one, and each before the next.

    `chunk` clicks are worked on at once, which changes no byte. Memory is that of a part and of a few
    arrays over users and over items.
    """
    made = open_shop(config)
    path = f"users/market={config.market}/users.parquet"
    yield RawFile(config.first, path, partial(known_of_users, config, made.chance.of("known of users")))
    state = opening(made)
    for number in range(config.days):
        yield from _day(made, number, state, chunk)


def _day(shop: Shop, number: int, state: State, chunk: int) -> Iterator[RawFile]:
    day, market = day_of(shop, number, state), shop.config.market
    of_day = f"market={market}/date={day.when}"
    for n, clicks in enumerate(parts(shop, day, state, chunk)):
        path = f"web_interactions/{of_day}/part-{n:03}.parquet"
        yield RawFile(day.when, path, partial(clicks.rows, shop.items.price))
    articles = partial(shop.items.snapshot, shop.config, number, state.sold)
    yield RawFile(day.when, f"articles/{of_day}/articles.parquet", articles)
