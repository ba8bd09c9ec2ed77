"""H&M's public competition files: purchases by day, articles, customers.

`transactions_train.csv` (31 M lines, day resolution), `articles.csv`, `customers.csv`. Article ids keep
their leading zero. Lines that are equal in everything are one purchase with a quantity. A market of it
needs no more than

    [market]
    name = "hm"
    timezone = "UTC"        # days, not instants
    interaction_events = ["purchase"]
    interactions = {price = "price", event_id = "sales_channel_id"}
    articles = {name = "name", category = "category", colour = "colour"}
    users = {age = "age", region = "region"}
"""

from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.layout import DAY, Imported, Layout, batches, import_once
from hm_pipeline.data.read import named, require_columns
from hm_pipeline.progress import Progress, silent

_TRANSACTIONS = ("t_dat", "customer_id", "article_id", "price", "sales_channel_id")
_ARTICLES = {
    "article_id": "item_id",
    "prod_name": "name",
    "product_type_name": "category",
    "product_group_name": "product_group",
    "index_group_name": "index_group",
    "colour_group_name": "colour",
}
_CUSTOMERS = {"customer_id": "user_id", "age": "age", "postal_code": "region"}


def import_hm_kaggle(source: Path, root: Path, market: str = "hm", progress: Progress = silent) -> Imported:
    """Write the competition's files in the folder `source` below `root`."""
    files = [source / f"{name}.csv" for name in ("transactions_train", "articles", "customers")]
    transactions, articles, customers = files

    def make(layout: Layout) -> dict[str, int]:
        article_rows, user_rows = _table(articles, _ARTICLES), _table(customers, _CUSTOMERS)
        lines = no_day = 0
        with named(transactions):
            for rows in batches(_interactions(transactions)):
                lines += len(rows)
                no_day += rows[DAY].null_count()
                layout.add(rows.drop_nulls(DAY))
        interactions = layout.close(_with_quantity)
        layout.snapshot("articles", article_rows)
        layout.snapshot("users", user_rows)
        return {
            "lines": lines,
            "lines_without_a_day": no_day,
            "interactions": interactions,
            "articles": len(article_rows),
            "users": len(user_rows),
        }

    return import_once("hm-kaggle", files, root, market, progress, make)


def _scan(file: Path, columns: tuple[str, ...]) -> pl.LazyFrame:
    """Text throughout: article ids begin with a zero."""
    with named(file):
        require_columns(file, columns, pl.read_csv(file, n_rows=0, infer_schema=False).columns)
    return pl.scan_csv(file, infer_schema=False)


def _interactions(file: Path) -> pl.LazyFrame:
    day = pl.col("t_dat").str.to_date("%Y-%m-%d", strict=False)
    return _scan(file, _TRANSACTIONS).select(
        day.alias(DAY),
        user_id="customer_id",
        item_id="article_id",
        timestamp=day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        event_type=pl.lit("purchase"),
        price=pl.col("price").cast(pl.Float64, strict=False),
        sales_channel_id="sales_channel_id",
    )


def _with_quantity(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(rows.columns).agg(quantity=pl.len())


def _table(file: Path, columns: dict[str, str]) -> pl.DataFrame:
    with named(file):
        table = _scan(file, tuple(columns)).select(pl.col(old).alias(new) for old, new in columns.items())
        return table.with_columns(pl.col("^age$").str.replace(r"\.0$", "")).collect()  # written 49.0
