"""A market that wants no seen items gets none: in what is judged and in what is published alike."""

import polars as pl
from answering import a_run, in_office

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.release import Release
from tasks.evaluate import evaluate_release
from tasks.lists import recommend
from tasks.stage import Stored


def seen_places(lists: Stored[pl.DataFrame], samples: Samples) -> int:
    rows, items = samples.train.interactions()
    seen = pl.DataFrame({"user_id": samples.users.ids.gather(rows), "item_id": samples.items.decode(items)})
    frame = pl.read_parquet(lists.folder() / "lists.parquet")
    return frame.join(seen.unique(), on=["user_id", "item_id"]).height


def test_the_published_lists_hold_nothing_seen_and_say_so(
    samples: Samples, stored_samples: Stored[Samples], release: Stored[Release]
) -> None:
    plain = recommend.fn(a_run(), stored_samples, in_office(release))
    unseen = recommend.fn(a_run(exclude_seen=True), stored_samples, in_office(release))
    assert seen_places(plain, samples) > 0
    assert seen_places(unseen, samples) == 0
    assert (plain.facts["exclude_seen"], unseen.facts["exclude_seen"]) == (False, True)
    default = [pl.read_parquet(lists.folder() / "default.parquet") for lists in (plain, unseen)]
    assert default[0].equals(default[1])


def test_a_release_is_judged_by_lists_of_the_same_kind(
    stored_samples: Stored[Samples], release: Stored[Release]
) -> None:
    plain = evaluate_release.fn(a_run(), stored_samples, release, "repeat")
    unseen = evaluate_release.fn(a_run(exclude_seen=True), stored_samples, release, "repeat")
    assert plain.prefix != unseen.prefix
    assert plain.facts["hr"] != unseen.facts["hr"]
