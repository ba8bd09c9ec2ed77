"""Raw files of a window to an InteractionLog, every row accounted for.

    rows = erased + other_event + outside_window + accepted + rejected (one count a reason)

`examine` never judges the whole; `judge` does; `extract` is both. A task that wants to keep the
quarantine of a refused window calls the two itself and saves in between.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hm_pipeline.data.across_rows import ACCEPTED_SCHEMA, without_bots, without_repeats
from hm_pipeline.data.contract import blank, interaction_rules, reason
from hm_pipeline.data.days import start_of, window
from hm_pipeline.data.log import LOG_SCHEMA, InteractionLog
from hm_pipeline.data.market import PURCHASE, MarketConfig
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA, belongs_to, quarantined, require_share
from hm_pipeline.data.read import named, read_file
from hm_pipeline.data.read_text import BROKEN
from hm_pipeline.data.typed import typed_interactions
from hm_pipeline.errors import EmptyWindowError, LateDataError
from hm_pipeline.progress import Progress, Step, silent

_CONTENT = [*LOG_SCHEMA]


@dataclass(frozen=True, eq=False)
class Extracted:
    """A window's accepted rows, its rejected ones (QUARANTINE_SCHEMA), and how many of each kind."""

    log: InteractionLog
    quarantine: pl.DataFrame
    counts: dict[str, int]


def extract(
    files: Mapping[date, Sequence[Path]],
    market: MarketConfig,
    day: date,
    erased: frozenset[str] = frozenset(),
    progress: Progress = silent,
) -> Extracted:
    """The log of a run of `day`; `files` are local, by partition day.

    Raises UnreadableFileError, ColumnError, QuarantineError, LateDataError (the newest day is half
    there) or EmptyWindowError. Rows of erased users are dropped before anything looks at them.
    """
    extracted = examine(files, market, day, erased, progress)
    judge(extracted, market)
    return extracted


def examine(
    files: Mapping[date, Sequence[Path]],
    market: MarketConfig,
    day: date,
    erased: frozenset[str] = frozenset(),
    progress: Progress = silent,
) -> Extracted:
    """What the files hold, row by row, without a verdict on the whole."""
    partitions = [_Partition(market, day, partition, erased) for partition in sorted(files)]
    for done, partition in enumerate(partitions):
        partition.read(sorted(files[partition.day]))
        progress(Step(f"extract {market.name}", done + 1, len(partitions), f"{partition.day}"))
    accepted = pl.concat([pl.DataFrame(schema=ACCEPTED_SCHEMA), *(p.accepted for p in partitions)])
    accepted, bots = without_bots(accepted, market.contract.max_events_per_user_day)
    rejected = pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), bots, *(p.rejected for p in partitions)])
    rejected = rejected.sort(rejected.columns, nulls_last=True)
    days = window(market, day)
    log = InteractionLog(market.name, days[0], days[-1], accepted.select(_CONTENT).sort(_CONTENT))
    return Extracted(log, rejected, _counts(partitions, len(accepted), rejected))


def judge(extracted: Extracted, market: MarketConfig) -> None:
    """Raise what is wrong with the window as a whole."""
    log, name = extracted.log, f"market {market.name}, {extracted.log.first_day} to {extracted.log.last_day}"
    require_share(name, extracted.quarantine, extracted.counts, market.contract.max_rejected_share)
    if log.frame.is_empty():
        raise EmptyWindowError(
            f"{name}: no row is left of {extracted.counts['rows']:,}; check interaction_events "
            f"({', '.join(market.interaction_events)}), the event names and the zone"
        )
    if not market.is_closed(log.last_day):
        _require_whole_day(log, market.contract.min_day_share)


def _require_whole_day(log: InteractionLog, least: float) -> None:
    """The newest day must hold its share of what its weekday usually does."""
    by_day = dict(log.frame.group_by("day").len().iter_rows())
    weeks = range(7, (log.last_day - log.first_day).days + 1, 7)
    usual = [by_day[d] for back in weeks if (d := log.last_day - timedelta(days=back)) in by_day]
    newest, floor = by_day.get(log.last_day, 0), 1.0
    if len(usual) > 1:
        median = float(pl.Series(usual).median() or 0)  # type: ignore[arg-type]
        floor = max(floor, least * median)
    if newest < floor:
        raise LateDataError(
            f"market {log.market}: {log.last_day} holds {newest:,} good rows, and the same weekday before it "
            f"{', '.join(f'{n:,}' for n in usual) or 'nothing'}: at least {floor:,.0f} are wanted. Run again "
            "once it is whole; if the day really is that quiet, lower contract.min_day_share"
        )


class _Partition:
    """One `date=` day: its accepted and rejected rows, and counts of the rest."""

    def __init__(self, market: MarketConfig, run: date, day: date, erased: frozenset[str]) -> None:
        days = window(market, run)
        self.market, self.day, self.erased = market, day, erased
        self.window = (days[0], days[-1])
        self.rules = interaction_rules(market, day, start_of(run, market.timezone))
        self.counts: Counter[str] = Counter()
        self.accepted = pl.DataFrame(schema=ACCEPTED_SCHEMA)
        self.rejected = pl.DataFrame(schema=QUARANTINE_SCHEMA)

    def read(self, files: Sequence[Path]) -> None:
        """All files of the day; duplicates are found across them, since they share their instant."""
        kept, rejected = [self.accepted], [self.rejected]
        for file in files:
            with named(file):
                good, bad = self._file(file)
            kept.append(good)
            rejected.append(bad)
        self.accepted, repeated = without_repeats(pl.concat(kept))
        self.rejected = pl.concat([*rejected, repeated])

    def _file(self, file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        name = f"date={self.day}/{file.name}"
        raw = read_file(
            file, *_wanted(self.market), ids=_ids(self.market), separator=self.market.csv_separator
        )
        self.counts["rows"] += len(raw)
        rows, stamps = typed_interactions(raw, self.market, file)
        self.counts["ambiguous_local_time"] += stamps.ambiguous
        self.counts["missing_local_time"] += stamps.shifted
        erased, other = belongs_to(self.erased, rows["user_id"], raw), self._other_event(rows)
        self.counts["erased"] += int(erased.sum())
        self.counts["other_event"] += int((other & ~erased).sum())
        raw, rows = raw.filter(~(erased | other)), rows.filter(~(erased | other))
        reasons = rows.select(reason(self.rules)).to_series()
        bad = quarantined(raw, reasons, rows["user_id"], name)
        good = rows.filter(reasons.is_null())
        inside = good.filter(pl.col("day").is_between(*self.window))
        self.counts["outside_window"] += len(good) - len(inside)
        return inside.with_columns(file=pl.lit(name)).select(*ACCEPTED_SCHEMA), bad

    def _other_event(self, rows: pl.DataFrame) -> pl.Series:
        """Events that are no business of ours, whatever their other fields hold (a home page has no item)."""
        asked = pl.col("event_type").is_in([*self.market.interaction_events, PURCHASE])
        return rows.select(
            (~asked & ~pl.col("replaced") & pl.col(BROKEN).is_null() & ~blank("event_type")).fill_null(False)
        ).to_series()


def _wanted(market: MarketConfig) -> tuple[list[str], list[str]]:
    """The source's columns: those each file must have, and those a jsonl line may leave out."""
    columns = market.interactions
    required = (columns.user_id, columns.item_id, columns.timestamp.column, columns.event_type)
    optional = (columns.order, columns.price, columns.event_id)
    return [name for name in required if name], [name for name in optional if name]


def _ids(market: MarketConfig) -> list[str]:
    columns = market.interactions
    return [name for name in (columns.user_id, columns.item_id, columns.event_id) if name]


def _counts(partitions: Sequence[_Partition], accepted: int, rejected: pl.DataFrame) -> dict[str, int]:
    counts = sum((p.counts for p in partitions), Counter[str]())
    fixed = ("rows", "erased", "other_event", "outside_window", "ambiguous_local_time", "missing_local_time")
    reasons = dict(rejected.group_by("reason").len().sort("reason").iter_rows())
    return {
        **{name: counts[name] for name in fixed},
        "accepted": accepted,
        "rejected": len(rejected),
        **reasons,
    }
