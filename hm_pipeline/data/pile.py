"""Accepted rows to the pieces of a log: whole local days, judged across rows, sorted, written."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Self

import polars as pl

from hm_pipeline.data import pieces
from hm_pipeline.data.across_rows import busy_users, in_order, rejected
from hm_pipeline.data.days import partitions_of, start_of
from hm_pipeline.data.held import Held, Taken
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.partition import Window
from hm_pipeline.data.pieces import MOST_ROWS, PIECE_ROWS, PIECE_SCHEMA, Piece
from hm_pipeline.data.sorting import taken_at

_ONE_DAY = timedelta(days=1)


class Pile:
    """What a run's partitions were found to hold; grows day by day into the pieces of its log."""

    def __init__(self, window: Window, place: Path | None, memory_mb: int) -> None:
        if place:
            place.mkdir(parents=True, exist_ok=True)
        self.window, self.place = window, place
        self.held = Held(place, memory_mb)
        self.pieces: list[Piece] = []
        self._writer = ThreadPoolExecutor(1)  # sorts and writes while the next day is read
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.shutdown()
        self.held.close()

    def add(self, rows: pl.DataFrame) -> None:
        """More rows (ACCEPTED_SCHEMA) of a partition."""
        self.held.add(rows)

    def settle(self, partition: date) -> None:
        """Write the days that no later partition adds to, once they are a piece together."""
        days = self._that_can_go([day for day in sorted(self.held.rows) if self._ends(day) <= partition])
        if sum(self.held.rows[day] for day in days) >= PIECE_ROWS:
            self._write_days(days)

    def log(self) -> InteractionLog:
        """All of it, once there is no partition any more."""
        self._write_days(sorted(self.held.rows))
        self._wait()
        w = self.window
        ids = w.users.stored(), w.items.stored()
        return InteractionLog(w.market.name, w.first, w.last, *ids, w.events, tuple(self.pieces))

    def _ends(self, day: date) -> date:
        """The last partition that holds rows of a local day."""
        return partitions_of(self.window.market, day, day)[-1]

    def _that_can_go(self, days: list[date]) -> list[date]:
        """Days up to one behind which the clock does not go back into the day before."""
        latest: datetime | None = None
        can_go = 0
        for n, day in enumerate(days):
            latest = max(latest or self.held.latest[day], self.held.latest[day])
            if latest < start_of(day + _ONE_DAY, self.window.market.timezone):
                can_go = n + 1
        return days[:can_go]

    def _write_days(self, days: list[date]) -> None:
        """Behind those before them: never more than one batch is in the writer's hands."""
        self._wait()
        taken = self.held.take(days)
        self._writing = self._writer.submit(self._write_all, taken)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write_all(self, taken: Taken) -> None:
        for rows in self._by_users(taken):
            self._write(rows)

    def _by_users(self, taken: Taken) -> Iterator[pl.DataFrame]:
        """All rows, or as many parts by users as keep each of them below MOST_ROWS, about."""
        parts = -(-taken.rows // MOST_ROWS)
        if not parts:
            return
        if parts == 1:
            yield pl.concat(taken)
            return
        for part in range(parts):
            yield pl.concat(rows.filter(self._is_in(rows, part, parts)) for rows in taken)

    def _is_in(self, rows: pl.DataFrame, part: int, parts: int) -> pl.Series:
        """By a hash of the id, which does not depend on who came first."""
        return self.window.users.names(rows["user"].to_numpy()).hash(0) % parts == part

    def _write(self, rows: pl.DataFrame) -> None:
        rows = self._people(rows)
        if rows.is_empty():
            return
        coded = rows.with_columns(
            user=self.window.users.codes(rows["user"].to_numpy()),
            item=self.window.items.codes(rows["item"].to_numpy()),
        )
        order, repeats = in_order(coded)
        self._reject(rows[order[repeats]], "duplicate")
        piece = taken_at(coded.select(PIECE_SCHEMA.names()), order[~repeats] if repeats.any() else order)
        self.pieces.append(pieces.put(piece, self.place, len(self.pieces)))

    def _people(self, rows: pl.DataFrame) -> pl.DataFrame:
        """All rows but those of users who did more in a day than a person can; a repeated row counts once."""
        most = self.window.market.contract.max_events_per_user_day
        busy = busy_users(rows, most)
        if not busy.any():
            return rows
        crowd = rows.filter(busy)
        order, repeats = in_order(crowd)
        self._reject(crowd[order[repeats]], "duplicate")
        crowd = crowd[order[~repeats]].with_columns(bot=pl.len().over("user", "day") > most)
        self._reject(crowd.filter("bot").drop("bot"), "bot")
        return pl.concat([rows.filter(~busy), crowd.filter(~pl.col("bot")).drop("bot")])

    def _reject(self, rows: pl.DataFrame, why: str) -> None:
        if len(rows):
            self.window.quarantine.append(rejected(self.window.named(rows), why))
