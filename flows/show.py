"""One user, told with names: what was looked at, what is recommended."""

import polars as pl
from rich.table import Table

from flows.display import console
from flows.office import shown_lists
from hm_pipeline.config import load
from hm_pipeline.data.log import Catalogue, InteractionLog
from tasks import ledger
from tasks.settings import settings
from tasks.stage import stored

_LATEST = 20  # interactions shown


def show_user(market: str, user: str) -> None:
    """Print the latest history and the published list; who has no row is shown the default list."""
    load(settings().config, market)  # an unknown market is answered with those that are known
    now = ledger.current(market)
    facts = shown_lists(market, now)
    window = stored(stored(facts["samples"]).facts["log"]).folder()
    articles = Catalogue.load(window / "catalogue").articles
    history = _history(InteractionLog.load(window / "log").of_user(user))
    console.print(
        _titled(f"the latest of {user}", history.join(articles, on="item_id", how="left"), "timestamp")
    )
    lists = stored(str(now.lists)).folder()
    mine = pl.read_parquet(lists / "lists.parquet").filter(pl.col("user_id") == user)
    title = f"recommended on {facts['day']} by {facts['model']['kind']}"
    if mine.is_empty():
        mine, title = pl.read_parquet(lists / "default.parquet"), f"{title}: the default, no row for {user}"
    console.print(_titled(title, mine.join(articles, on="item_id", how="left"), "rank"))


def _history(mine: pl.DataFrame) -> pl.DataFrame:
    mine = mine.sort("timestamp", "order", nulls_last=True)
    when = pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M")  # UTC
    return mine.tail(_LATEST).select(when, "item_id", "event_type")


def _titled(title: str, frame: pl.DataFrame, first: str) -> Table:
    table = Table(title=title, title_justify="left")
    columns = [first, "item_id", "name", "category", "colour"]
    for column in columns:
        table.add_column(column)
    for row in frame.sort(first).select(pl.col(columns).cast(pl.String).fill_null("")).iter_rows():
        table.add_row(*row)
    return table
