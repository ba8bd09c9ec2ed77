"""K items for every user of the market, and for whoever has no row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from hm_pipeline.data.log import Catalogue, InteractionLog
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.fitness import Shown, require_fit
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.retrieval.answer import answer, default_list
from tasks.code import revision
from tasks.progress import under
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.shard import ROOMS, STAGE, Shard
from tasks.stage import Stored, kept

SCHEMA_VERSION = 1  # of what docs/lists.md promises
LISTS = "lists.parquet"


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
    title = f"lists of {ref.kind}"
    whole = Shard(run=run, everything=everything, ref=ref, first=0, stop=everything.facts["users"])

    def produce(folder: Path) -> dict[str, Any]:
        if parts:
            pl.scan_parquet([part.folder() / LISTS for part in parts]).sink_parquet(folder / LISTS)
        else:
            _answered(whole, title).write_parquet(folder / LISTS)
        _default(whole).write_parquet(folder / "default.parquet")
        return _facts(run, everything, ref, pl.scan_parquet(folder / LISTS))

    return kept(run, "lists", whole.asked, ROOMS, produce, title=title)


@task(name="answer", task_run_name="{shard.title}", **ON_STORAGE)
def answer_shard(shard: Shard) -> Stored[pl.DataFrame]:
    """The lists of the shard's users."""

    def produce(folder: Path) -> dict[str, Any]:
        _answered(shard, shard.title).write_parquet(folder / LISTS)
        return {"said": f"{shard.stop - shard.first:,} users"}

    return kept(shard.run, STAGE, shard.made_from, ROOMS, produce, title=shard.title)


def _answered(shard: Shard, title: str) -> pl.DataFrame:
    known, asked = Samples.load(shard.everything.folder()), Release.load(_release(shard).folder())
    publish, rows = shard.run.config.publish, slice(shard.first, shard.stop)
    lists = answer(
        asked,
        known.train.take(rows),
        known.items,
        known.users,
        publish.k,
        allowed=_catalogue(shard.everything).buyable(known.items),
        exclude_seen=publish.exclude_seen,
        progress=under(title),
    )
    return lists.frame(Vocabulary(known.users.ids[rows]), known.items)


def _default(shard: Shard) -> pl.DataFrame:
    """The list of whoever has no row."""
    known, asked = Samples.load(shard.everything.folder()), Release.load(_release(shard).folder())
    allowed = _catalogue(shard.everything).buyable(known.items)
    lists = default_list(asked, known.items, shard.run.config.publish.k, allowed=allowed)
    return lists.frame(Vocabulary.of(["nobody"]), known.items).drop("user_id")


def _release(shard: Shard) -> Stored[Release]:
    return Stored(prefix=shard.ref.uri)


@task(name="examine", **ON_STORAGE)
def examine(
    run: Run, everything: Stored[Samples], lists: Stored[pl.DataFrame] | None, verdict: Verdict | None = None
) -> None:
    """The last look before the ledger's entry. PublishError; lists that are never shown are not looked at."""
    if lists is None or (verdict is not None and verdict.step == "older day"):
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
