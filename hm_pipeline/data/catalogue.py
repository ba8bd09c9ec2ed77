"""Snapshots of articles and users to a Catalogue, every row accounted for.

Only the id is needed: a row without a good one is quarantined. An attribute that cannot be read becomes
null and is counted. Of several rows of one id the one greatest in its attributes, column by column, is
kept (nulls lowest): the order of a source file is no information.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hm_pipeline.data.attribute import attribute
from hm_pipeline.data.contract import id_rules, reason
from hm_pipeline.data.log import ARTICLE_SCHEMA, USER_SCHEMA, Catalogue
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA, belongs_to, quarantined, require_share
from hm_pipeline.data.read import named, read_file
from hm_pipeline.data.read_text import BROKEN
from hm_pipeline.data.typed import replaced, text


@dataclass(frozen=True, eq=False)
class Catalogued:
    """A catalogue, the rejected rows (QUARANTINE_SCHEMA), and how many of each kind."""

    catalogue: Catalogue
    quarantine: pl.DataFrame
    counts: dict[str, int]


def catalogue(
    article_files: Sequence[Path],
    user_files: Sequence[Path],
    market: MarketConfig,
    erased: frozenset[str] = frozenset(),
) -> Catalogue:
    """What is known of articles and users. Raises UnreadableFileError, ColumnError, QuarantineError."""
    found = examine_catalogue(article_files, user_files, market, erased)
    judge_catalogue(found, market)
    return found.catalogue


def examine_catalogue(
    article_files: Sequence[Path],
    user_files: Sequence[Path],
    market: MarketConfig,
    erased: frozenset[str] = frozenset(),
) -> Catalogued:
    """What the files hold, row by row, without a verdict on the whole."""
    articles = _Table("article", ARTICLE_SCHEMA, market.articles.model_dump(), market, frozenset())
    users = _Table("user", USER_SCHEMA, market.users.model_dump(), market, erased)
    frames = articles.read(article_files), users.read(user_files)
    rejected = pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), *articles.rejected, *users.rejected])
    counts = {**articles.counts, **users.counts, "accepted": sum(map(len, frames)), "rejected": len(rejected)}
    return Catalogued(Catalogue(*frames), rejected.sort(rejected.columns, nulls_last=True), counts)


def judge_catalogue(found: Catalogued, market: MarketConfig) -> None:
    """Raise QuarantineError where more rows were rejected than the market tolerates."""
    what = f"market {market.name}, articles and users"
    require_share(what, found.quarantine, found.counts, market.contract.max_rejected_share)


def remarks(found: Catalogued) -> list[str]:
    """What a person should hear of the rows: a whole column may be written as nobody expects it."""
    rejected = len(found.quarantine)
    told = [f"{rejected:,} rows of articles and users were rejected: see quarantine/"] if rejected else []
    for name, unread in sorted(found.counts.items()):
        what, _, field = name.removeprefix("unread_").partition("_")
        if unread and name.startswith("unread_"):
            rows, taken = found.counts[f"{what}_rows"], "to be had" if field == "available" else "unknown"
            told.append(f"{unread:,} of {rows:,} {what}s: {field} cannot be read and is taken for {taken}")
    return told


class _Table:
    """One of the two tables, while it is read."""

    def __init__(
        self,
        what: str,
        schema: pl.Schema,
        columns: dict[str, str | None],
        market: MarketConfig,
        erased: frozenset[str],
    ) -> None:
        self.what, self.schema, self.columns, self.market, self.erased = what, schema, columns, market, erased
        self.id = next(iter(schema))
        self.counts: Counter[str] = Counter()
        self.rejected: list[pl.DataFrame] = []

    def read(self, files: Sequence[Path]) -> pl.DataFrame:
        """The accepted rows of all files, one an id, sorted by it."""
        frames = [self.schema.to_frame()]
        for file in sorted(files):
            with named(file):
                frames.append(self._file(file))
        rows = pl.concat(frames).sort(self.schema.names(), nulls_last=False)
        kept = rows.unique(self.id, keep="last", maintain_order=True)
        self.counts[f"duplicate_{self.what}s"] += len(rows) - len(kept)
        return kept

    def _file(self, file: Path) -> pl.DataFrame:
        source = str(self.columns[self.id])
        others = [name for field, name in self.columns.items() if name and field != self.id]
        raw = read_file(file, [source], others, ids=[source], separator=self.market.csv_separator)
        self.counts[f"{self.what}_rows"] += len(raw)
        gone = belongs_to(self.erased, text(raw, source, file))
        self.counts["erased"] += int(gone.sum())
        raw = raw.filter(~gone)
        rows = self._typed(raw, file)
        rules = {"not_utf8": pl.col("replaced"), **id_rules(self.id, self.market)}
        reasons = rows.select(reason(rules)).to_series()
        users = (
            rows[self.id] if self.id == "user_id" else pl.repeat(None, len(rows), dtype=pl.String, eager=True)
        )
        self.rejected.append(quarantined(raw, reasons, users, f"{self.what}s/{file.name}", self.erased))
        return rows.filter(reasons.is_null()).select(self.schema.names())

    def _typed(self, raw: pl.DataFrame, file: Path) -> pl.DataFrame:
        columns = {self.id: text(raw, self.columns[self.id], file)}
        for field, kind in self.schema.items():
            if field != self.id:
                most = self.market.contract.max_price
                columns[field], unread = attribute(raw, self.columns[field], file, kind, most)
                self.counts[f"unread_{self.what}_{field}"] += int(unread.sum())
        return pl.DataFrame({**columns, "replaced": replaced(raw), BROKEN: raw[BROKEN]})
