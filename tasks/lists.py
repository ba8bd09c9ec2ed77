"""K items for every user of the market, and for whoever has no row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.fitness import Shown, require_fit
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.retrieval.answer import answer, default_list
from tasks.code import revision
from tasks.progress import under
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.shard import ROOMS, STAGE, Shard
from tasks.stage import Stored, address, kept

SCHEMA_VERSION = 1  # of what docs/lists.md promises
LISTS = "lists.parquet"
_EVERYBODYS = "lists"  # the stage


@task(name="recommend", **ON_STORAGE)
def recommend(
    run: Run, everything: Stored[Samples], ref: ModelRef | None, parts: Sequence[Stored[pl.DataFrame]] = ()
) -> Stored[pl.DataFrame] | None:
    """lists.parquet and default.parquet: the answers of who is in office to all full histories.

    `parts` are what workers answered already: together all users, in their order. Without any this process
    answers.
    """
    if ref is None:
        return None
    title, whole = f"lists of {ref.kind}", _whole(run, everything, ref)

    def produce(folder: Path) -> dict[str, Any]:
        office = _Office.of(everything, ref)
        if parts:
            pl.scan_parquet([part.folder() / LISTS for part in parts]).sink_parquet(folder / LISTS)
        else:
            office.answered(whole, title).write_parquet(folder / LISTS)
        office.default(run.config.publish.k).write_parquet(folder / "default.parquet")
        return _facts(run, everything, ref, pl.scan_parquet(folder / LISTS))

    return kept(run, _EVERYBODYS, whole.asked, ROOMS, produce, title=title)


def lists_address(run: Run, everything: Stored[Samples], ref: ModelRef) -> str:
    """Where everybody's lists lie once `recommend` made them, of whatever parts."""
    return address(run, _EVERYBODYS, _whole(run, everything, ref).asked, ROOMS)


def _whole(run: Run, everything: Stored[Samples], ref: ModelRef) -> Shard:
    return Shard(run=run, everything=everything, ref=ref, first=0, stop=everything.facts["users"])


@task(name="answer", task_run_name="{shard.title}", **ON_STORAGE)
def answer_shard(shard: Shard) -> Stored[pl.DataFrame]:
    """The lists of the shard's users."""

    def produce(folder: Path) -> dict[str, Any]:
        office = _Office.of(shard.everything, shard.ref)
        office.answered(shard, shard.title).write_parquet(folder / LISTS)
        return {"said": f"{shard.stop - shard.first:,} users"}

    return kept(shard.run, STAGE, shard.made_from, ROOMS, produce, title=shard.title)


@dataclass(frozen=True)
class _Office:
    """Who answers, whom, and with what: read once, since a net may be large."""

    release: Release
    known: Samples
    buyable: Bool  # (V,)

    @classmethod
    def of(cls, everything: Stored[Samples], ref: ModelRef) -> "_Office":
        known = Samples.load(everything.folder())
        release = Release.load(Stored[Release](prefix=ref.uri).folder())
        return cls(release, known, _catalogue(everything).buyable(known.items))

    def answered(self, shard: Shard, title: str) -> pl.DataFrame:
        """The lists of the shard's users."""
        known, rows, publish = self.known, slice(shard.first, shard.stop), shard.run.config.publish
        lists = answer(
            self.release,
            known.train.take(rows),
            known.items,
            known.users,
            publish.k,
            allowed=self.buyable,
            exclude_seen=publish.exclude_seen,
            progress=under(title),
        )
        return lists.frame(Vocabulary(known.users.ids[rows]), known.items)

    def default(self, k: int) -> pl.DataFrame:
        """The list of whoever has no row."""
        lists = default_list(self.release, self.known.items, k, allowed=self.buyable)
        return lists.frame(Vocabulary.of(["nobody"]), self.known.items).drop("user_id")


@task(name="examine", **ON_STORAGE)
def examine(run: Run, everything: Stored[Samples], lists: Stored[pl.DataFrame] | None) -> None:
    """The last look before the ledger's entry. PublishError."""
    if lists is None:
        return
    place, known = lists.folder(), Samples.load(everything.folder())
    shown = Shown(
        lists=pl.read_parquet(place / "lists.parquet"),
        default=pl.read_parquet(place / "default.parquet"),
        samples=known,
        buyable=_catalogue(everything).buyable(known.items),
        k=run.config.publish.k,
        exclude_seen=run.config.publish.exclude_seen,
    )
    require_fit(shown, run.config.publish.checks)


def _catalogue(everything: Stored[Samples]) -> Catalogue:
    """As the window of these samples knew it."""
    return Catalogue.load(Stored[InteractionLog](prefix=everything.facts["log"]).folder() / "catalogue")


def _facts(run: Run, everything: Stored[Samples], ref: ModelRef, lists: pl.LazyFrame) -> dict[str, Any]:
    """Enough to trace any list to what made it."""
    users = lists.select(pl.col("user_id").n_unique()).collect().item()
    return {
        "schema_version": SCHEMA_VERSION,
        "market": run.market,
        "day": str(run.day),
        "k": run.config.publish.k,
        "exclude_seen": run.config.publish.exclude_seen,
        "users": users,
        "model": ref.model_dump(mode="json"),
        "samples": everything.prefix,
        "data": everything.facts["digest"],
        "code": revision(),
        "run": run.digest,
        "said": f"{users:,} users",
    }
