"""K items for every user of the market, and for whoever has no row."""

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
from tasks.stage import Stored, kept

ROOMS = ("data", "index", "models", "retrieval")
SCHEMA_VERSION = 1  # of what docs/lists.md promises


@task(name="recommend", **ON_STORAGE)
def recommend(run: Run, everything: Stored[Samples], ref: ModelRef | None) -> Stored[pl.DataFrame] | None:
    """lists.parquet and default.parquet: the answers of who is in office to all full histories."""
    if ref is None:
        return None
    publish, release = run.config.publish, Stored[Release](prefix=ref.uri)
    title = f"lists of {ref.kind}"

    def produce(folder: Path) -> dict[str, Any]:
        known, asked = Samples.load(everything.folder()), Release.load(release.folder())
        allowed = _catalogue(everything).buyable(known.items)
        lists = answer(
            asked,
            known.train,
            known.items,
            known.users,
            publish.k,
            allowed=allowed,
            exclude_seen=publish.exclude_seen,
            progress=under(title),
        )
        frame = lists.frame(known.users, known.items)
        frame.write_parquet(folder / "lists.parquet")
        default = default_list(asked, known.items, publish.k, allowed=allowed).frame(
            Vocabulary.of(["nobody"]), known.items
        )
        default.drop("user_id").write_parquet(folder / "default.parquet")
        return _facts(run, everything, ref, frame)

    made_from = [everything.prefix, release.prefix, publish.k, publish.exclude_seen]
    return kept(run, "lists", made_from, ROOMS, produce, title=title)


@task(name="examine", **ON_STORAGE)
def examine(
    run: Run, everything: Stored[Samples], lists: Stored[pl.DataFrame] | None, verdict: Verdict
) -> None:
    """The last look before the commit. PublishError; lists that are never shown are not looked at."""
    if lists is None or verdict.step == "older day":
        return
    place, known = lists.folder(), Samples.load(everything.folder())
    shown = Shown(
        lists=pl.read_parquet(place / "lists.parquet"),
        default=pl.read_parquet(place / "default.parquet"),
        samples=known,
        buyable=_catalogue(everything).buyable(known.items),
        k=run.config.publish.k,
    )
    require_fit(shown, run.config.publish.checks)


def _catalogue(everything: Stored[Samples]) -> Catalogue:
    """As the window of these samples knew it."""
    return Catalogue.load(Stored[InteractionLog](prefix=everything.facts["log"]).folder() / "catalogue")


def _facts(run: Run, everything: Stored[Samples], ref: ModelRef, frame: pl.DataFrame) -> dict[str, Any]:
    """Enough to trace any list to what made it."""
    users = frame["user_id"].n_unique()
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
