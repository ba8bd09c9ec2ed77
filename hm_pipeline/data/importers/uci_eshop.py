"""UCI "clickstream data for online shopping" (Łapczyński and Białowąs 2013): maternity clothes, 2008.

165,474 clicks of 24,026 sessions on 217 models, `;`-separated. A session is the only user there is, and
lies inside one day; time is by day, `order` is exact. Names of codes from the data set's description.
"""

import shutil
import zipfile
from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.layout import DAY, Imported, Layout, batches, import_once
from hm_pipeline.data.read import named, require_columns
from hm_pipeline.errors import UnreadableFileError
from hm_pipeline.progress import Progress, silent

_CATEGORY = ("trousers", "skirts", "blouses", "sale")  # codes from 1
_COLOUR = (
    *("beige", "black", "blue", "brown", "burgundy", "gray", "green", "navy blue"),
    *("of many colors", "olive", "pink", "red", "violet", "white"),
)
_PHOTOGRAPHY = ("en face", "profile")
_COLUMNS = {
    "session ID": "user_id",
    "page 2 (clothing model)": "item_id",
    "order": "order",
    "price": "price",
    "country": "country",
    "location": "location",
    "page": "page",
    "colour": "colour",
    "page 1 (main category)": "category",
    "model photography": "model_photography",
}
_ARTICLE = ("category", "colour", "price", "model_photography")


def import_uci_eshop(
    source: Path, root: Path, market: str = "eshop", progress: Progress = silent
) -> Imported:
    """Write the clicks of the csv or zip `source`, the models and the sessions below `root`."""

    def make(layout: Layout) -> dict[str, int]:
        file = _unpacked(source, layout.work.with_name(f".{market}.csv"))
        seen = [pl.DataFrame()]
        lines = no_day = 0
        with named(source):
            for rows in batches(_clicks(file, source)):
                lines, no_day = lines + len(rows), no_day + rows[DAY].null_count()
                seen.append(rows.group_by("item_id", *_ARTICLE).len())
                layout.add(rows.drop_nulls(DAY).drop("category", "colour", "model_photography"))
        if file != source:
            file.unlink()
        interactions = layout.close()
        articles = _articles(pl.concat(seen[1:]))
        layout.snapshot("articles", articles)
        counts = {"lines": lines, "lines_without_a_day": no_day}
        return {**counts, "interactions": interactions, "articles": len(articles)}

    return import_once("uci-eshop", [source], root, market, progress, make)


def _unpacked(source: Path, to: Path) -> Path:
    """The csv itself, or the only csv of the zip, written to `to`."""
    if source.suffix != ".zip":
        return source
    with named(source), zipfile.ZipFile(source) as archive:
        inside = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(inside) != 1:
            raise UnreadableFileError(
                f"{source}: wanted one csv inside, found {len(inside)}; give the csv itself"
            )
        with archive.open(inside[0]) as packed, to.open("wb") as opened:
            shutil.copyfileobj(packed, opened)
    return to


def _clicks(file: Path, source: Path) -> pl.LazyFrame:
    header = pl.read_csv(file, separator=";", n_rows=0, infer_schema=False).columns
    require_columns(source, ("year", "month", "day", *_COLUMNS), header)
    text = pl.concat_str("year", "month", "day", separator="-")
    day = text.str.to_date("%Y-%m-%d", strict=False)
    renamed = {new: pl.col(old) for old, new in _COLUMNS.items()}
    return pl.scan_csv(file, separator=";", infer_schema=False).select(
        day.alias(DAY),
        timestamp=day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        event_type=pl.lit("click"),
        **{
            **renamed,
            "order": pl.col("order").cast(pl.Int64, strict=False),
            "price": pl.col("price").cast(pl.Float64, strict=False),
            "category": _named(renamed["category"], _CATEGORY),
            "colour": _named(renamed["colour"], _COLOUR),
            "model_photography": _named(renamed["model_photography"], _PHOTOGRAPHY),
        },
    )


def _named(code: pl.Expr, names: tuple[str, ...]) -> pl.Expr:
    return code.replace_strict({str(n): name for n, name in enumerate(names, 1)}, default=None)


def _articles(seen: pl.DataFrame) -> pl.DataFrame:
    """Each model with its most frequent values: one on sale is seen under two categories."""
    usual = [_usual(seen, attribute) for attribute in _ARTICLE]
    articles = seen.select("item_id").unique()
    for values in usual:
        articles = articles.join(values, on="item_id", how="left")
    return articles.with_columns(name=pl.concat_str(pl.lit("model "), "item_id"))


def _usual(seen: pl.DataFrame, attribute: str) -> pl.DataFrame:
    return (
        seen.group_by("item_id", attribute)
        .agg(pl.col("len").sum())
        .sort("len", attribute, descending=[True, False], nulls_last=True)
        .group_by("item_id", maintain_order=True)
        .agg(pl.col(attribute).first())
    )
