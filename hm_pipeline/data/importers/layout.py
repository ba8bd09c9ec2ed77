"""Writing the raw layout from a public data set: in bounded memory, whole files only, once.

    root/web_interactions/market=M/date=2021-06-01/part-0.parquet     rows sorted
    root/articles/market=M/articles.parquet, root/users/market=M/users.parquet      undated
    root/.imports/M.json          what was made of which source; the same source again: nothing to do. A file
                                  is entered before it appears, so that nothing of a killed import is left
    root/.imports/M/              chunks while at work, gone afterwards

Batches of the source are split by day into chunks; then each day's chunks become its one file, which
appears under its name only when it is whole. What an earlier import left and this one does not make goes.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from hm_pipeline.data.raw import ENDINGS
from hm_pipeline.errors import ConfigError, EmptyWindowError
from hm_pipeline.progress import Progress, Step

BATCH = 500_000  # rows of the source in memory at a time
DAY = "\x00day"  # the column by which batches are split; it lives in the folder's name, not in the file


@dataclass(frozen=True)
class Imported:
    """What an import left in the raw layout; `fresh` is false where it was there already."""

    counts: dict[str, int]
    first_day: date
    last_day: date
    fresh: bool = True
    removed: tuple[str, ...] = ()  # days of an earlier import that this one does not have


@dataclass(eq=False)
class Layout:
    """A market's part of a raw root, while an import writes it."""

    root: Path
    market: str
    progress: Progress
    stage: str
    files: dict[str, int]  # path below root -> bytes, of what is whole
    before: dict[str, int]  # what earlier imports left
    chunks: int = 0

    @property
    def work(self) -> Path:
        """Where chunks lie meanwhile."""
        return self.root / ".imports" / self.market

    @property
    def marker(self) -> Path:
        """What is known of the market's imports."""
        return self.root / ".imports" / f"{self.market}.json"

    def remember(self) -> None:
        """Nothing is sure but which files may be there."""
        _replace_text(self.marker, json.dumps({"files": self.before}))

    def add(self, rows: pl.DataFrame) -> None:
        """A batch of interactions with their DAY."""
        for (day,), part in rows.partition_by(DAY, as_dict=True, include_key=False).items():
            chunk = self.work / f"{day}" / f"{self.chunks:06}.parquet"
            chunk.parent.mkdir(parents=True, exist_ok=True)
            part.write_parquet(chunk, compression="lz4")
        self.chunks += 1

    def close(self, of_day: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows) -> int:
        """Make each day's file of its chunks; returns the rows written."""
        days = sorted(self.work.iterdir())
        written = 0
        for done, folder in enumerate(days):
            rows = of_day(pl.read_parquet(folder / "*.parquet"))
            path = f"web_interactions/market={self.market}/date={folder.name}/part-0.parquet"
            self.write(path, rows.sort(rows.columns, nulls_last=True))
            written += len(rows)
            self.progress(Step(self.stage, done + 1, len(days), f"{folder.name} · {written:,} rows"))
        return written

    def ready(self, marker: str) -> None:
        """End each day by the empty file that the market's readers wait for."""
        for path in [path for path in self.files if "/date=" in path]:
            self._place(f"{path.rsplit('/', 1)[0]}/{marker}", Path.touch)

    def snapshot(self, room: str, rows: pl.DataFrame) -> None:
        """The one undated file of articles or users."""
        self.write(f"{room}/market={self.market}/{room}.parquet", rows.sort(rows.columns, nulls_last=True))

    def copy(self, room: str, source: Path) -> None:
        """The one undated file of articles or users, as it is."""
        ending = next(ending for ending in ENDINGS if source.name.endswith(ending))
        self._place(f"{room}/market={self.market}/{room}{ending}", partial(shutil.copyfile, source))

    def write(self, path: str, rows: pl.DataFrame) -> None:
        """A file that appears whole or not at all."""
        self._place(path, rows.write_parquet)

    def _place(self, path: str, write: Callable[[Path], object]) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.new")
        write(new)
        if path not in self.before:
            self.before[path] = 0
            self.remember()
        new.replace(file)
        self.files[path] = file.stat().st_size


def import_once(
    importer: str,
    sources: Sequence[Path],
    root: Path,
    market: str,
    progress: Progress,
    make: Callable[[Layout], dict[str, int]],
    read_as: str = "",
) -> Imported:
    """Let `make` fill the layout, unless the same importer has already done so from the same bytes.

    `read_as` is whatever else the files depend on.
    """
    require_sources(importer, sources)
    marker = root / ".imports" / f"{market}.json"
    before = json.loads(marker.read_text()) if marker.exists() else {"files": {}}
    digest = _digest(importer + read_as, sources)
    if before.get("digest") == digest and _all_there(root, before["files"]):
        return _imported(before, fresh=False)
    layout = Layout(root, market, progress, f"import {importer}", {}, dict(before["files"]))
    shutil.rmtree(layout.work, ignore_errors=True)  # of an import that was killed
    layout.work.mkdir(parents=True)
    layout.remember()
    counts = make(layout)
    shutil.rmtree(layout.work)
    after = _record(digest, counts, layout.files, importer)
    gone = layout.before.keys() - layout.files.keys()
    for path in gone:
        (root / path).unlink(missing_ok=True)
    _replace_text(marker, json.dumps(after, indent=1))
    return replace(_imported(after, fresh=True), removed=days_of(gone))


def batches(source: pl.LazyFrame, chunk: int = BATCH) -> Iterator[pl.DataFrame]:
    """The rows of a source, a bounded number at a time."""
    yield from source.collect_batches(chunk_size=chunk, maintain_order=True)


def require_sources(importer: str, sources: Sequence[Path]) -> None:
    """Raise ConfigError for the files that are not there."""
    missing = [str(file) for file in sources if not file.is_file()]
    if missing:
        raise ConfigError(
            f"import {importer}: no file {', '.join(missing)}; give the place of the unpacked data"
        )


def _digest(made_by: str, sources: Sequence[Path]) -> str:
    content = hashlib.sha256(f"{made_by} layout 1".encode())
    for file in sources:
        with file.open("rb") as opened:
            content.update(hashlib.file_digest(opened, "sha256").digest())
    return content.hexdigest()


def _all_there(root: Path, files: dict[str, int]) -> bool:
    return all((root / path).is_file() and (root / path).stat().st_size == n for path, n in files.items())


def days_of(files: Iterable[str]) -> tuple[str, ...]:
    """The days whose files these are."""
    return tuple(sorted({path.split("/date=")[1][:10] for path in files if "/date=" in path}))


def _record(digest: str, counts: dict[str, int], files: dict[str, int], importer: str) -> dict[str, object]:
    days = days_of(files)
    if not days:
        raise EmptyWindowError(
            f"import {importer}: the source holds no row with a day; is it the right file?"
        )
    return {"digest": digest, "counts": counts, "first_day": days[0], "last_day": days[-1], "files": files}


def _imported(record: dict[str, object], fresh: bool) -> Imported:
    first, last = (date.fromisoformat(str(record[name])) for name in ("first_day", "last_day"))
    return Imported(dict(record["counts"]), first, last, fresh)  # type: ignore[call-overload]


def _replace_text(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.replace(file)
