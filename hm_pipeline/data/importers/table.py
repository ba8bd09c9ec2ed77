"""Any table of interactions, in its own columns, split by day as the market's TOML says.

Columns and cells stay as they are, since extract maps them. A row without a stamp that can be read has no
day, and a line that cannot be taken apart has no columns: both are counted and left out. Tables of
articles and users lie undated beside the days, byte for byte.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from hm_pipeline.data.importers.layout import DAY, Imported, Layout, import_once
from hm_pipeline.data.importers.mapped import mapped_rows, to_change
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.raw import Room
from hm_pipeline.data.read_text import BROKEN
from hm_pipeline.data.timestamps import instants
from hm_pipeline.errors import ColumnError, QuarantineError
from hm_pipeline.frozen import digest_of
from hm_pipeline.progress import Progress, silent

_EMPTY, _UNREAD = "no_timestamp", "bad_timestamp"


def import_table(
    source: Path,
    root: Path,
    market: MarketConfig,
    progress: Progress = silent,
    articles: Path | None = None,
    users: Path | None = None,
) -> Imported:
    """Write the interactions of `source`, and what is known of articles and users, below `root`.

    Raises UnreadableFileError, ColumnError with the key of the TOML to change, or QuarantineError where
    a larger share of the rows than the contract's max_rejected_share has no day.
    """
    tables: tuple[tuple[Room, Path | None], ...] = (("articles", articles), ("users", users))
    beside = {room: file for room, file in tables if file}

    def make(layout: Layout) -> dict[str, int]:
        lengths: dict[str, int] = {
            room: sum(map(len, mapped_rows(room, file, market))) for room, file in beside.items()
        }
        lost = _split(source, market, layout)
        written = layout.close()
        if market.contract.readiness:
            layout.ready(market.contract.readiness)
        for room, file in beside.items():
            layout.copy(room, file)
        return {"interactions": written, **lost, **lengths}

    sources = [source, *beside.values()]
    return import_once("table", sources, root, market.name, progress, make, _read_as(market, [*beside]))


def _read_as(market: MarketConfig, beside: list[Room]) -> str:
    """What the files depend on besides their sources: in another zone the same table splits elsewhere."""
    columns = [part.model_dump(mode="json") for part in (market.interactions, market.articles, market.users)]
    return digest_of(columns, market.partitioned_by, market.csv_separator, beside, market.contract.readiness)


def _split(source: Path, market: MarketConfig, layout: Layout) -> dict[str, int]:
    """Each row into its day's chunks; how many rows have no day, by reason."""
    total, lost, example = 0, Counter[str](), None
    for frame in mapped_rows("web_interactions", source, market):
        dated = _dated(frame, market, source)
        total += len(dated)
        lost.update(dict(dated[BROKEN].drop_nulls().value_counts().iter_rows()))
        example = example or _example(dated, market)
        layout.add(dated.filter(pl.col(BROKEN).is_null()).drop(BROKEN))
    _require_days(source, market, total, lost, example)
    return dict(sorted(lost.items()))


def _dated(frame: pl.DataFrame, market: MarketConfig, file: Path) -> pl.DataFrame:
    """With each row's DAY, and in BROKEN why it has none."""
    config = market.interactions.timestamp
    stamps = frame[config.column]
    with to_change("market.interactions.timestamp", market):
        utc = instants(stamps, config, file).utc
    empty = stamps.cast(pl.String).str.strip_chars() == "" if stamps.dtype == pl.String else stamps.is_null()
    why = pl.when(empty.fill_null(True)).then(pl.lit(_EMPTY)).when(utc.is_null()).then(pl.lit(_UNREAD))
    day = utc.dt.convert_time_zone(market.partitioned_by).dt.date()
    return frame.with_columns(day.alias(DAY), pl.coalesce(BROKEN, why).alias(BROKEN))


def _example(dated: pl.DataFrame, market: MarketConfig) -> object:
    """A stamp that could not be read; None where all could."""
    stamps = dated.filter(pl.col(BROKEN) == _UNREAD)[market.interactions.timestamp.column]
    return stamps[0] if len(stamps) else None


def _require_days(
    file: Path, market: MarketConfig, total: int, lost: Mapping[str, int], example: object
) -> None:
    """Raise what is wrong with the table as a whole."""
    stamps, most = market.interactions.timestamp, market.contract.max_rejected_share
    toml, gone = f"markets/{market.name}.toml", sum(lost.values())
    if total and lost.get(_EMPTY) == total:
        raise ColumnError(
            f"{file}: the column {stamps.column!r} is empty in all {total:,} rows; a log that has an order "
            "but no times cannot be split by day. If another column has the times, name it: "
            f"market.interactions.timestamp.column in {toml}"
        )
    if gone > most * total:
        reasons = ", ".join(f"{n:,} {why}" for why, n in sorted(lost.items()))
        seen = "" if example is None else f" (e.g. {example!r})"
        raise QuarantineError(
            f"{file}: {gone:,} of {total:,} rows have no day, {most:.1%} is tolerated: {reasons}{seen}. "
            f"Say how {stamps.column!r} is written: market.interactions.timestamp in {toml} (format, epoch, "
            "zone); or raise market.contract.max_rejected_share if these rows may be lost"
        )
