"""Accepted rows that wait until their local days are whole: in memory, and on disk beyond a budget."""

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl

_BYTES = 64  # that a waiting row takes, about


class Held:
    """Rows (ACCEPTED_SCHEMA) by local day. Without a place all of them stay in memory."""

    def __init__(self, place: Path | None, memory_mb: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=".held-", dir=place) if place else None
        self._most = memory_mb * 2**20 // _BYTES
        self._waiting: dict[date, list[pl.DataFrame | Path]] = {}
        self._in_memory = self._files = 0
        self.rows: dict[date, int] = {}
        self.latest: dict[date, datetime] = {}  # the last instant of each day

    def close(self) -> None:
        """Let go of what is on disk."""
        if self._folder:
            self._folder.cleanup()

    def add(self, rows: pl.DataFrame) -> None:
        """Let rows wait, each with those of its day."""
        days = rows["day"].unique().sort()
        for day in days:
            of_day = rows if len(days) == 1 else rows.filter(pl.col("day") == day)
            self.rows[day] = self.rows.get(day, 0) + len(of_day)
            newest: datetime = of_day["timestamp"].max()  # type: ignore[assignment]
            self.latest[day] = max(self.latest.get(day, newest), newest)
            self._waiting.setdefault(day, []).append(of_day)
            self._in_memory += len(of_day)
        if self._folder and self._in_memory > self._most:
            self._spill(Path(self._folder.name))

    def take(self, days: list[date]) -> "Taken":
        """The rows of these days, which wait no longer."""
        taken = [part for day in days for part in self._waiting.pop(day)]
        self._in_memory -= sum(len(part) for part in taken if isinstance(part, pl.DataFrame))
        return Taken(taken, sum(self.rows.pop(day) for day in days))

    def _spill(self, place: Path) -> None:
        for parts in self._waiting.values():
            for n, part in enumerate(parts):
                if isinstance(part, pl.DataFrame):
                    parts[n] = self._written(part, place)
        self._in_memory = 0

    def _written(self, part: pl.DataFrame, place: Path) -> Path:
        self._files += 1
        file = place / f"{self._files}.parquet"
        part.write_parquet(file, compression="lz4", statistics=False)
        return file


class Taken:
    """Rows in the order in which they came, whole or by users."""

    def __init__(self, parts: list[pl.DataFrame | Path], rows: int) -> None:
        self._parts, self.rows = parts, rows

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Part by part; each is let go of once it was handed out."""
        for part in self._parts:
            yield part if isinstance(part, pl.DataFrame) else pl.read_parquet(part)
