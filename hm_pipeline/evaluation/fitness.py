"""Whether lists are fit to be shown: the last look at what is about to be published.

The gate judges a candidate by what users did; this looks at the very rows that readers will get, whoever
made them. Counts and item ids are told, never a user's id: messages are kept where nobody erases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import Field

from hm_pipeline.data.arrays import Bool, Int32
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import PublishError
from hm_pipeline.evaluation.had import not_had, rows_with_any, rows_with_the_last
from hm_pipeline.evaluation.mix import mix_distance
from hm_pipeline.frozen import Frozen


class FitnessConfig(Frozen):
    """What lists must keep to be published."""

    max_mix_distance: float = Field(0.9, ge=0, le=1)  # category mix of the lists against the window's
    min_full_share: float = Field(0.9, ge=0, le=1)  # of the window's users, with a list of all k places
    min_coverage: float = Field(0.0, ge=0, le=1)  # of the window's items, shown to anybody


@dataclass(frozen=True, eq=False)
class Shown:
    """Lists (user_id, rank, item_id), the list of whoever has none, and the window they answer."""

    lists: pl.DataFrame
    default: pl.DataFrame  # rank, item_id
    samples: Samples
    buyable: Bool  # (V,)
    k: int
    exclude_seen: bool = False  # no list holds an item of its user's history

    @property
    def users(self) -> pl.Series:
        """Who is to have a list: an erased user is not."""
        return self.samples.users.ids.drop_nulls()

    @property
    def places(self) -> int:
        """Of a full list: k, or all that can be bought but the user's last item, which is in no list."""
        return min(self.k, max(int(self.buyable[1:].sum()) - 1, 0))


def require_fit(shown: Shown, config: FitnessConfig) -> None:
    """PublishError where lists break a promise of docs/lists.md or fall outside the configured bounds."""
    found = faults(shown, config)
    if found:
        raise PublishError(
            f"market {shown.samples.market}, lists of the window up to {shown.samples.last_day}: "
            f"{len(found)} wrong: {'; '.join(found)}. Nothing shows them; look at the model that answered, "
            "or move a bound in [publish.checks]"
        )


def faults(shown: Shown, config: FitnessConfig) -> list[str]:
    """What is wrong, a sentence each; empty where the lists are fit."""
    lists, default = (shown.samples.items.encode(frame["item_id"]) for frame in (shown.lists, shown.default))
    by_user = _by_user(shown)
    return [
        *_strangers(by_user),
        *_badly_ranked(by_user, shown.k),
        *_repeated(by_user),
        *_unknown(shown.lists, lists, "rows of the lists"),
        *_unknown(shown.default, default, "rows of the default list"),
        *_gone(shown, shown.lists, lists, "rows of the lists"),
        *_gone(shown, shown.default, default, "rows of the default list"),
        *([] if len(default) else ["the default list is empty"]),
        *_had(shown, lists),
        *_few_full(shown, by_user, config),
        *_outside(shown, lists, config),
    ]


def full_share(shown: Shown, by_user: pl.DataFrame | None = None) -> float:
    """Users of the window with a full list / users of the window; 1 where there is none."""
    if not len(shown.users) or not shown.places:
        return 1.0
    by_user = _by_user(shown) if by_user is None else by_user
    there = _wanted(shown).join(by_user.filter("known").select("user_id", "n"), on="user_id", how="left")
    return len(there.filter(pl.col("n").fill_null(0) >= pl.col("wanted"))) / len(shown.users)


def _wanted(shown: Shown) -> pl.DataFrame:
    """(user_id, wanted): places of a full list; where seen items are left out, no more than are left."""
    users = shown.samples.users.ids
    wanted = np.full(len(users), shown.places, dtype=np.int64)
    if shown.exclude_seen:
        wanted = np.minimum(wanted, not_had(shown.samples.train, shown.buyable))
    return pl.DataFrame({"user_id": users, "wanted": wanted}).drop_nulls("user_id")


def _by_user(shown: Shown) -> pl.DataFrame:
    """A row a user of the lists: places, different ranks and items, and whether the window knows him."""
    rank = pl.col("rank")
    return (
        shown.lists.group_by("user_id")
        .agg(
            n=pl.len(),
            ranks=rank.n_unique(),
            least=rank.min(),
            most=rank.max(),
            items=pl.col("item_id").n_unique(),
        )
        .with_columns(known=pl.col("user_id").is_in(shown.users.implode()).fill_null(False))
    )


def _outside(shown: Shown, items: Int32, config: FitnessConfig) -> list[str]:
    """What is shown by item and by category."""
    known = items[items > 0]
    column = Recommendations(known[:, None], np.zeros((len(known), 1), np.float32))
    coverage = len(np.unique(known)) / max(len(shown.samples.items) - 1, 1)
    distance, told = mix_distance(column, shown.samples), []
    if coverage < config.min_coverage:
        told.append(f"{coverage:.2%} of the items are shown to anybody, not {config.min_coverage:.2%}")
    if distance > config.max_mix_distance:
        told.append(f"category mix {distance:.2f} from the window's, more than {config.max_mix_distance:.2f}")
    return told


def _strangers(by_user: pl.DataFrame) -> list[str]:
    return _told(len(by_user.filter(~pl.col("known"))), "users are not of the window")


def _badly_ranked(by_user: pl.DataFrame, k: int) -> list[str]:
    """Ranks of a user are 1, 2, … without gap or repetition, k at most."""
    n = pl.col("n")
    good = (pl.col("ranks") == n) & (pl.col("least") == 1) & (pl.col("most") == n) & (n <= k)
    return _told(len(by_user.filter(~good)), f"users have other ranks than 1, 2, … up to {k}, each once")


def _repeated(by_user: pl.DataFrame) -> list[str]:
    twice = int((by_user["n"] - by_user["items"]).sum())
    return _told(twice, "rows repeat an item of the same user")


def _few_full(shown: Shown, by_user: pl.DataFrame, config: FitnessConfig) -> list[str]:
    full, least = full_share(shown, by_user), config.min_full_share
    said = f"{full:.1%} of {len(shown.users):,} users have a full list, not {least:.1%}"
    return [said] if full < least else []


def _unknown(frame: pl.DataFrame, items: Int32, where: str) -> list[str]:
    ids = frame["item_id"].filter(pl.Series(items == 0))
    return _told(len(ids), f"{where} hold an item that is not of the window", ids)


def _gone(shown: Shown, frame: pl.DataFrame, items: Int32, where: str) -> list[str]:
    ids = frame["item_id"].filter(pl.Series((items > 0) & ~shown.buyable[items]))
    return _told(len(ids), f"{where} hold an item that can no longer be bought", ids)


def _had(shown: Shown, items: Int32) -> list[str]:
    """Rows that hold what their user had last, or had at all where no list may hold that."""
    train = shown.samples.train
    users = shown.samples.users.encode(shown.lists["user_id"]) - np.int32(1)
    told = _told(
        rows_with_the_last(train, users, items), "rows of the lists hold the item that their user had last"
    )
    if shown.exclude_seen:
        had = rows_with_any(train, users, items)
        told += _told(had, "rows of the lists hold an item of their user's history")
    return told


def _told(count: int, what: str, ids: Sequence[str | None] | pl.Series = ()) -> list[str]:
    """Nothing where there is nothing; else how many, what, and the first few items by name."""
    names = sorted({str(i) for i in ids})
    examples = f" ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})" if names else ""
    return [f"{count:,} {what}{examples}"] if count else []
