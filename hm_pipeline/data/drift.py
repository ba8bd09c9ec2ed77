"""Yesterday against the days before it: does the data still look as it did?

volume, users, items    how many, over the median of the days before (the same weekday, where there are two)
category_mix            total variation between yesterday's categories and the window's before it: 0 … 1
unknown_items           share of yesterday's items that no day of the window before had: 0 … 1

What stops a promotion is configuration. Closed days are neither judged nor counted among the days before,
and a day without a row is missing, not quiet.
"""

from collections.abc import Iterable
from datetime import date
from statistics import median

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Float64
from hm_pipeline.data.drift_report import COUNTS, MEASURES, Band, DriftConfig, DriftReport, Finding, Measure
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.market import MarketConfig

_WEEKDAYS = 2  # so many of the same weekday are a better yardstick than all days
_ByDay = dict[date, float]


def drift(
    log: InteractionLog, catalogue: Catalogue, market: MarketConfig, config: DriftConfig
) -> DriftReport:
    """The last day of the log against the days before it, by the events that make a history."""
    users, items = _daily(log, log.codes(market.interaction_events))
    before = sorted(d for d in set(items["day"]) - {log.last_day} if not market.is_closed(d))
    closed = market.is_closed(log.last_day)
    users, items = (table.filter(pl.col("day").is_in([*before, log.last_day])) for table in (users, items))
    weekdays = [d for d in before if d.weekday() == log.last_day.weekday()]
    chosen = weekdays if len(weekdays) >= _WEEKDAYS else before
    named = items.with_columns(item_id=log.items.gather(items["item"]))
    by_day = {
        "volume": _as_dict(items.group_by("day").agg(pl.col("rows").sum()), "rows"),
        "users": _as_dict(users, "users"),
        "items": _as_dict(items.group_by("day").len(), "len"),
        "category_mix": _mix_distances(named, catalogue, log.last_day),
        "unknown_items": _unknown(items, before, log.last_day),
    }
    findings = (_finding(m, by_day[m], chosen, log.last_day, closed, config) for m in MEASURES)
    return DriftReport(
        day=log.last_day, closed=closed, weekdays=len(weekdays), days=len(before), findings=tuple(findings)
    )


def total_variation(p: Float64, q: Float64) -> float:
    """Half the sum of absolute differences of two mixes: 0 the same, 1 nothing in common."""
    return float(np.abs(p - q).sum() / 2)


def _finding(
    measure: Measure, by_day: _ByDay, chosen: list[date], day: date, closed: bool, config: DriftConfig
) -> Finding:
    past = [by_day[d] for d in chosen if d in by_day]
    usual = median(past) if past else None
    value = by_day.get(day, 0.0 if measure in COUNTS else None)  # of no rows there is no mix
    judged = value if measure not in COUNTS else value / usual if value is not None and usual else None
    band: Band = getattr(config, measure)
    outside = not closed and (judged is None or not band.holds(judged))
    stops = outside and measure in config.stops
    return Finding(
        measure=measure,
        value=value or 0.0,
        usual=usual,
        judged=judged,
        band=band,
        outside=outside,
        stops=stops,
    )


def _daily(log: InteractionLog, events: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(day, users) and (day, item, rows): what the measures are made of, piece by piece.

    A day whose rows are in several pieces has each of its users in one of them.
    """
    users, items = [], []
    for piece in log.pieces("user", "item", "day", "event"):
        rows = piece.filter(pl.col("event").is_in(events))
        users.append(rows.group_by("day").agg(users=pl.col("user").n_unique()))
        items.append(rows.group_by("day", "item").agg(rows=pl.len()))
    return (
        pl.concat(users).group_by("day").agg(pl.col("users").sum()),
        pl.concat(items).group_by("day", "item").agg(pl.col("rows").sum()),
    )


def _mix_distances(items: pl.DataFrame, catalogue: Catalogue, newest: date) -> _ByDay:
    """Of each day from the other days before the newest; what has no category is a category."""
    known = catalogue.articles.select("item_id", "category").unique("item_id", keep="first")
    table = (
        items.join(known, on="item_id", how="left")
        .group_by("day", "category")
        .agg(pl.col("rows").sum())
        .sort("day", "category")
        .with_columns(pl.col("day", "category").rank("dense").fill_null(0).name.suffix("_place"))
    )
    days = table["day"].unique().sort().to_list()
    counts_DC = np.zeros((len(days), int(table["category_place"].max() or 0) + 1))  # type: ignore[arg-type]
    places = table["day_place"].to_numpy().astype(int) - 1, table["category_place"].to_numpy()
    np.add.at(counts_DC, places, table["rows"].to_numpy())
    before = np.array([day != newest for day in days], dtype=np.float64)
    total_C = before @ counts_DC
    return {
        day: total_variation(_shares(counts_C), _shares(others_C))
        for day, counts_C, weight in zip(days, counts_DC, before, strict=True)
        if (others_C := total_C - weight * counts_C).any()
    }


def _unknown(items: pl.DataFrame, before: list[date], newest: date) -> _ByDay:
    """Share of each day's items that no earlier day had: of the newest, and of the later half of the others,
    since to the first days of a window everything is new."""
    later = [*before[max(len(before) // 2, 1) :], newest]
    first = items.group_by("item").agg(first=pl.col("day").min())
    share = (
        items.join(first, on="item")
        .filter(pl.col("day").is_in(later))
        .group_by("day")
        .agg(unknown=(pl.col("day") == pl.col("first")).mean())
    )
    return _as_dict(share, "unknown")


def _as_dict(frame: pl.DataFrame, column: str) -> _ByDay:
    days: Iterable[date] = frame["day"]
    return {day: float(value) for day, value in zip(days, frame[column], strict=True)}


def _shares(counts_C: Float64) -> Float64:
    shares: Float64 = counts_C / max(float(counts_C.sum()), 1.0)
    return shares
