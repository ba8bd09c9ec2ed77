"""Raw files of a run date's window to an InteractionLog, what was rejected kept beside it."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from hm_pipeline.data import raw
from hm_pipeline.data.catalogue import Catalogued, examine_catalogue, judge_catalogue, remarks
from hm_pipeline.data.extract import Extracted, examine, judge
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.errors import ContractError, LateDataError
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.storage import Entry
from tasks.erase_list import erase_list
from tasks.progress import under
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored, kept

LATE = "late"  # instead of a digest


class Inputs(Frozen):
    """The raw files that a run of a day reads."""

    days: dict[date, tuple[Entry, ...]]
    articles: tuple[Entry, ...]
    users: tuple[Entry, ...]
    notes: tuple[str, ...] = ()  # missing days, undated snapshots, stray files

    @property
    def digest(self) -> str:
        """Changes when a file comes, goes, or changes."""
        files = [*(e for day in sorted(self.days) for e in self.days[day]), *self.articles, *self.users]
        return digest_of([[e.key, e.size, e.version] for e in files])


def inputs(market: MarketConfig, day: date) -> Inputs:
    """List what a run of `day` reads. LateDataError, MissingPartitionsError as the contract says."""
    storage = settings().raw_storage
    listed = [e for d in raw.partition_days(market, day) for e in storage.keys(_folder(market, d))]
    try:
        chosen = raw.choose(listed, market, day)
    except LateDataError as error:
        raise LateDataError(f"{storage.uri}: {error}") from None
    articles = raw.snapshot(storage.keys(f"articles/market={market.name}"), "articles", market, day)
    users = raw.snapshot(storage.keys(f"users/market={market.name}"), "users", market, day)
    notes = [f"no partition of {d}" for d in chosen.missing]
    notes += [f"nobody reads {key}" for key in (*chosen.strays, *articles.strays, *users.strays)]
    notes += [f"{room}: {s.remark}" for room, s in (("articles", articles), ("users", users)) if s.remark]
    return Inputs(days=chosen.files, articles=articles.files, users=users.files, notes=tuple(notes))


def inputs_of(market: MarketConfig, day: date) -> str:
    """A digest of what a run of `day` reads; LATE where not all of it is there."""
    try:
        return inputs(market, day).digest
    except ContractError:
        return LATE


def _folder(market: MarketConfig, day: date) -> str:
    return raw.prefix("web_interactions", market, day).rstrip("/")


@task(name="extract", **ON_STORAGE)
def extract(run: Run) -> Stored[InteractionLog]:
    """The window's log and catalogue; rejected rows go to `quarantine/` before anything is judged."""
    found, erased = inputs(run.config.market, run.day), erase_list(run.market)
    if found.digest != run.inputs:
        raise LateDataError(f"market {run.market}: raw files of {run.day} arrived while it began; run again")
    made_from = [found.digest, run.config.market.model_dump(mode="json"), sorted(erased)]

    def produce(folder: Path) -> dict[str, Any]:
        with scratch() as place:  # downloads of raw data are not kept: they hold whoever is erased later
            files = {day: _fetched(entries, place) for day, entries in found.days.items()}
            extracted = examine(files, run.config.market, run.day, erased, under("extract"),
                                place=folder / "log", memory_mb=settings().memory_mb)  # fmt: skip
            articles, users = _fetched(found.articles, place), _fetched(found.users, place)
            known = examine_catalogue(articles, users, run.config.market, erased)
            _quarantine(run, made_from, extracted, known)
        judge(extracted, run.config.market)
        judge_catalogue(known, run.config.market)
        extracted.log.save(folder / "log")
        known.catalogue.save(folder / "catalogue")
        notes = [*found.notes, *remarks(known)]
        return {"counts": extracted.counts, "notes": notes, "said": _said(extracted)}

    return kept(run, "extract", made_from, ("data",), produce)


def _fetched(entries: Iterable[Entry], place: Path) -> list[Path]:
    storage = settings().raw_storage
    return [storage.fetch(e.key, place / e.key) for e in entries]


def _quarantine(run: Run, made_from: object, extracted: Extracted, known: Catalogued) -> None:
    """Kept whether or not the run goes on: somebody has to look at them."""

    def produce(folder: Path) -> dict[str, Any]:
        rejected = pl.concat([extracted.quarantine, known.quarantine])
        rejected.write_parquet(folder / "quarantine.parquet")
        counts = {"interactions": extracted.counts, "catalogue": known.counts}
        return {"counts": counts, "said": f"{len(rejected):,} rows"}

    kept(run, "quarantine", made_from, ("data",), produce)


def _said(extracted: Extracted) -> str:
    return f"{extracted.counts['accepted']:,} interactions · {len(extracted.quarantine):,} rejected"
