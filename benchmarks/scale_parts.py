"""What the stages of `scale_stages.py` are made of."""

import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from hm_pipeline.data.arrays import Int64
from hm_pipeline.data.catalogue import catalogue
from hm_pipeline.data.extract import examine, judge
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.progress import Progress, Step


def extracted(
    raw: Path, place: Path, market: MarketConfig, day: date
) -> tuple[InteractionLog, Catalogue, int]:
    """The window of a run of `day` (its rows in `place`), its catalogue, and how many rows were read."""
    days = sorted((raw / "web_interactions" / f"market={market.name}").glob("date=*"))
    files = {
        date.fromisoformat(one.name.removeprefix("date=")): sorted(one.glob("*.parquet")) for one in days
    }
    found = examine(files, market, day, place=place)
    judge(found, market)
    articles = max((raw / "articles" / f"market={market.name}").glob("date=*/articles.parquet"))
    people = raw / "users" / f"market={market.name}" / "users.parquet"
    return found.log, catalogue([articles], [people], market), found.counts["rows"]


def peers_of(all_users: int, asked: int) -> Int64:
    """Rows of so many users, evenly spread; of all where there are no more."""
    return np.unique(np.linspace(0, all_users - 1, min(asked, all_users)).astype(np.int64))


@dataclass
class Pace:
    """Listens to a net in training, ends it in time, and knows how fast it was once it was warm."""

    seconds: float
    seen: list[tuple[float, float]] = field(default_factory=list)  # instant, targets done
    total: float = 0.0  # targets of all epochs
    began: float = field(default_factory=time.perf_counter)

    def through(self, progress: Progress) -> Progress:
        """The listener, heard on the way."""

        def hear(step: Step, /) -> None:
            self.seen.append((time.perf_counter(), step.done))
            self.total = step.total
            progress(step)

        return hear

    def is_over(self) -> bool:
        """Asked once a step, from the first on; what is not a net is never asked."""
        return time.perf_counter() - self.seen[0][0] > self.seconds if self.seen else False

    def facts(self) -> dict[str, float]:
        """Targets done of all, and a second over the later half of the steps; nothing where all were done."""
        if not self.seen or self.seen[-1][1] >= self.total:
            return {}
        (since, before), (until, after) = self.seen[len(self.seen) // 2], self.seen[-1]
        return {"done": after, "all": self.total, "targets_per_second": (after - before) / (until - since)}
