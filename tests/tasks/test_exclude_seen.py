"""A market that wants no seen items gets none: in what is judged and in what is published alike."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from embedded import World
from markov_shoppers import DAYS, FIRST_DAY, markov_samples

from hm_pipeline.config import load
from hm_pipeline.data.log import Catalogue
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from hm_pipeline.registry.ledger import ModelRef
from tasks.evaluate import evaluate_release
from tasks.lists import recommend
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept

DAY = FIRST_DAY + timedelta(days=DAYS - 2)


def a_run(exclude_seen: bool) -> Run:
    config = load(settings().config, "tiny")
    publish = config.publish.model_copy(update={"exclude_seen": exclude_seen})
    return Run(config=config.model_copy(update={"publish": publish}), day=DAY, inputs="abc")


def store(stage: str, save: Any, **facts: Any) -> Stored[Any]:
    def produce(folder: Path) -> dict[str, Any]:
        save(folder)
        return facts

    return kept(a_run(False), stage, [], (), produce)


@pytest.fixture
def samples(world: World) -> Samples:
    return markov_samples(users=120, items=60, predictability=0.3, seed=2, protocol="next_day", day=DAY)


@pytest.fixture
def stored_samples(samples: Samples) -> Stored[Samples]:
    log = store("extract", lambda folder: Catalogue.empty().save(folder / "catalogue"))
    return store("samples", samples.save, log=log.prefix, digest=samples.digest)


@pytest.fixture
def release(samples: Samples) -> Stored[Release]:
    """The model that recommends what was seen, if it may."""
    return store(
        "train", Release(RepeatConfig(), Repeat(len(samples.items)), samples.items, samples.users).save
    )


def seen_places(lists: Stored[pl.DataFrame], samples: Samples) -> int:
    rows, items = samples.train.interactions()
    seen = pl.DataFrame({"user_id": samples.users.ids.gather(rows), "item_id": samples.items.decode(items)})
    frame = pl.read_parquet(lists.folder() / "lists.parquet")
    return frame.join(seen.unique(), on=["user_id", "item_id"]).height


def test_the_published_lists_hold_nothing_seen_and_say_so(
    samples: Samples, stored_samples: Stored[Samples], release: Stored[Release]
) -> None:
    ref = ModelRef(kind="repeat", day=DAY, version=1, uri=release.prefix)
    plain = recommend.fn(a_run(False), stored_samples, ref)
    unseen = recommend.fn(a_run(True), stored_samples, ref)
    assert seen_places(plain, samples) > 0
    assert seen_places(unseen, samples) == 0
    assert (plain.facts["exclude_seen"], unseen.facts["exclude_seen"]) == (False, True)
    default = [pl.read_parquet(lists.folder() / "default.parquet") for lists in (plain, unseen)]
    assert default[0].equals(default[1])


def test_a_release_is_judged_by_lists_of_the_same_kind(
    stored_samples: Stored[Samples], release: Stored[Release]
) -> None:
    plain = evaluate_release.fn(a_run(False), stored_samples, release, "repeat")
    unseen = evaluate_release.fn(a_run(True), stored_samples, release, "repeat")
    assert plain.prefix != unseen.prefix
    assert plain.facts["hr"] != unseen.facts["hr"]
