"""The same with pandas, vectorised."""

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import polars as pl
from preprocess_result import BOTS, LONGEST, MOST, NOBODY, RUN_DAY, T_DAY, Result, finished

ZONE = "Europe/Stockholm"


def run(days: Sequence[Path], place: Path) -> tuple[Result, dict[str, float]]:
    """All in memory."""
    began = time.perf_counter()
    people = pd.concat([_people(day) for day in days], ignore_index=True)
    extracted = time.perf_counter()
    viewed = people[people["event_type"] == "view"]
    user, user_ids = pd.factorize(viewed["user_id"], sort=True)
    item, item_ids = pd.factorize(viewed["item_id"], sort=True)
    rows = pd.DataFrame(
        {
            "u": user,
            "i": item,
            "timestamp": viewed["timestamp"].to_numpy(),
            "early": viewed["early"].to_numpy(),
        }
    )
    rows = rows.sort_values(["u", "timestamp", "i"])
    rows = rows[(rows["u"] != rows["u"].shift()) | (rows["i"] != rows["i"].shift())]
    arrays = (rows[name].to_numpy() for name in ("u", "i", "early"))
    result = finished(
        len(people), *arrays, pl.Series(user_ids.to_numpy(str)), pl.Series(item_ids.to_numpy(str))
    )
    return result, {"extract": extracted - began, "samples": time.perf_counter() - extracted}


def _people(day: Path) -> pd.DataFrame:
    """The good rows of a day's people."""
    rows = pd.concat([pd.read_parquet(file, partitioning=None) for file in sorted(day.iterdir())])
    local = rows["timestamp"].dt.tz_convert(ZONE)
    start = pd.Timestamp(day.name[5:], tz=ZONE)
    good = (
        rows["event_type"].isin(["view", "purchase"])
        & (local >= start)
        & (local < start + pd.DateOffset(days=1))
    )
    good &= local < pd.Timestamp(RUN_DAY, tz=ZONE)
    good &= rows["price"].isna() | rows["price"].between(0, MOST)
    good &= _good(rows["user_id"]) & _good(rows["item_id"])
    rows = rows[good].drop_duplicates()
    rows = rows[rows.groupby("user_id")["user_id"].transform("size") <= BOTS]
    return rows[["user_id", "item_id", "timestamp", "event_type"]].assign(early=day.name[5:] < T_DAY)


def _good(ids: pd.Series) -> pd.Series:
    """The contract's rules of an id."""
    named = ids.notna() & (ids.str.strip() != "") & ~ids.str.lower().isin(NOBODY) & (ids.str.len() <= LONGEST)
    return (
        named & ~ids.str.contains(r"[\x00-\x1f\x7f]", regex=True) & ~ids.str.contains("\ufffd", regex=False)
    )
