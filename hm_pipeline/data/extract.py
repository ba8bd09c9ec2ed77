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

from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.partition import Partition, Window
from hm_pipeline.data.pile import Pile
from hm_pipeline.data.quarantine import QUARANTINE_SCHEMA, require_share
from hm_pipeline.data.room import MEMORY_MB
from hm_pipeline.errors import EmptyWindowError, LateDataError
from hm_pipeline.progress import Progress, Step, silent


@dataclass(frozen=True, eq=False)
class Extracted:
    """A window's accepted rows, its rejected ones (QUARANTINE_SCHEMA), and how many of each kind."""

    log: InteractionLog
    quarantine: pl.DataFrame
    counts: dict[str, int]
    events: tuple[str, ...] = ()  # as the source names them, all that were met


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
    *,
    place: Path | None = None,
    memory_mb: int = MEMORY_MB,
) -> Extracted:
    """What the files hold, row by row, without a verdict on the whole.

    The log's rows are written into `place` as they are found; of what waits for the rest of its local day
    `memory_mb` at most are in memory. Without a place all of it is. Neither changes what is found.
    """
    window = Window(market, day, erased)
    with Pile(window, place, memory_mb) as pile:
        for done, partition in enumerate(sorted(files)):
            for rows in Partition(window, partition).read(files[partition]):
                pile.add(rows)
            pile.settle(partition)
            progress(Step(f"extract {market.name}", done + 1, len(files), f"{partition}"))
        log = pile.log()
    rejected = pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), *window.quarantine])
    rejected = rejected.sort(rejected.columns, nulls_last=True)
    return Extracted(log, rejected, _counts(window.counts, len(log), rejected), window.kinds.known())


def judge(extracted: Extracted, market: MarketConfig) -> None:
    """Raise what is wrong with the window as a whole."""
    log, name = extracted.log, f"market {market.name}, {extracted.log.first_day} to {extracted.log.last_day}"
    require_share(name, extracted.quarantine, extracted.counts, market.contract.max_rejected_share)
    if not len(log):
        raise EmptyWindowError(
            f"{name}: no row is left of {extracted.counts['rows']:,}; check interaction_events "
            f"({', '.join(market.interaction_events)}) and the zone. The files' own events are "
            f"{', '.join(extracted.events[:10]) or 'none'}: market.interactions.events maps names to ours"
        )
    if not market.is_closed(log.last_day):
        _require_whole_day(log, market.contract.min_day_share)


def _require_whole_day(log: InteractionLog, least: float) -> None:
    """The newest day must hold its share of what its weekday usually does."""
    by_day = log.by_day()
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


def _counts(counts: Counter[str], accepted: int, rejected: pl.DataFrame) -> dict[str, int]:
    fixed = ("rows", "erased", "other_event", "outside_window", "ambiguous_local_time", "missing_local_time")
    reasons = dict(rejected.group_by("reason").len().sort("reason").iter_rows())
    return {
        **{name: counts[name] for name in fixed},
        "accepted": accepted,
        "rejected": len(rejected),
        **reasons,
    }
