"""K items for every user of the market, and for whoever has no row."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from prefect import task

from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.retrieval.answer import answer, default_list
from tasks.code import revision
from tasks.progress import under
from tasks.run import Run
from tasks.stage import Stored, kept

ROOMS = ("data", "index", "models", "retrieval")
SCHEMA_VERSION = 1  # of what docs/lists.md promises


@task(name="recommend")
def recommend(run: Run, everything: Stored[Samples], ref: ModelRef | None) -> Stored[pl.DataFrame] | None:
    """lists.parquet and default.parquet: the answers of who is in office to all full histories."""
    if ref is None:
        return None
    k, release = run.config.publish.k, Stored[Release](prefix=ref.uri)
    title = f"lists of {ref.kind}"

    def produce(folder: Path) -> dict[str, Any]:
        known, asked = Samples.load(everything.folder()), Release.load(release.folder())
        lists = answer(asked, known.train, known.items, known.users, k, progress=under(title))
        frame = _frame(lists, known.users.ids, known.items)
        frame.write_parquet(folder / "lists.parquet")
        default = _frame(default_list(asked, known.items, k), pl.Series(["*"]), known.items)
        default.drop("user_id").write_parquet(folder / "default.parquet")
        return _facts(run, everything, ref, frame)

    made_from = [everything.prefix, release.prefix, k]
    return kept(run, "lists", made_from, ROOMS, produce, title=title)


def _frame(lists: Recommendations, user_ids: pl.Series, items: Vocabulary) -> pl.DataFrame:
    """One row a filled place, by user and rank from 1; erased users have none."""
    n, k = lists.items.shape
    ranks = np.tile(np.arange(1, k + 1, dtype=np.int16), n)
    rows = np.repeat(np.arange(n), k)
    return (
        pl.DataFrame(
            {"row": rows, "rank": ranks, "index": lists.items.ravel(), "score": lists.scores.ravel()}
        )
        .with_columns(user_id=user_ids.gather(rows), item_id=items.decode(lists.items.ravel()))
        .filter((pl.col("index") > 0) & pl.col("user_id").is_not_null())
        .select("user_id", "rank", "item_id", "score")
    )


def _facts(run: Run, everything: Stored[Samples], ref: ModelRef, frame: pl.DataFrame) -> dict[str, Any]:
    """Enough to trace any list to what made it."""
    users = frame["user_id"].n_unique()
    return {
        "schema_version": SCHEMA_VERSION,
        "market": run.market,
        "day": str(run.day),
        "k": run.config.publish.k,
        "users": users,
        "model": ref.model_dump(mode="json"),
        "samples": everything.prefix,
        "data": everything.facts["digest"],
        "code": revision(),
        "run": run.digest,
        "said": f"{users:,} users",
    }
