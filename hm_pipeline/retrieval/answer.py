"""Histories to lists, whatever vocabulary the model was fitted in.

caller's items, users --encode--> the release's --recommend--> its lists --decode--> the caller's
"""

from functools import partial

import numpy as np
import polars as pl

from hm_pipeline.data.arrays import Bool, Int32
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Progress, Step, silent
from hm_pipeline.retrieval.unseen import recommend_unseen

BLOCK_ROWS = 16_384  # between two signs of life; models cut further where they must


def answer(
    release: Release,
    histories: Histories,
    items: Vocabulary,
    users: Vocabulary,
    k: int,
    *,
    allowed: Bool | None = None,
    exclude_seen: bool = False,
    progress: Progress = silent,
) -> Recommendations:
    """The release's k best items for each of N histories.

    Histories, users, `allowed` (V,) and the lists are in the caller's vocabularies; an item or user that
    the release does not know leaves the history or is the unknown user, and an item that the caller does
    not know is never recommended; nor, with `exclude_seen`, any item of the history. Blocks of rows:
    bounded memory.
    """
    passage = _Passage.between(release, items, users, allowed)
    stage = f"answer {release.config.kind}"
    ask = partial(recommend_unseen, release.model) if exclude_seen else release.model.recommend
    parts = []
    for at in range(0, len(histories), BLOCK_ROWS):
        block = passage.there(histories.take(slice(at, at + BLOCK_ROWS)))
        parts.append(passage.back(ask(block, k, allowed=passage.allowed)))
        progress(Step(stage, at + len(block), len(histories)))
    return Recommendations.concat(parts, k)


def default_list(
    release: Release, items: Vocabulary, k: int, *, allowed: Bool | None = None
) -> Recommendations:
    """(1, k): the list of whoever is unknown and has no history."""
    return answer(release, Histories.of([[]]), items, Vocabulary.of([]), k, allowed=allowed)


class _Passage:
    """Between the caller's vocabularies and the release's; a table is None where both are one."""

    def __init__(
        self, to_items: Int32 | None, from_items: Int32 | None, to_users: Int32 | None, allowed: Bool | None
    ) -> None:
        self.to_items, self.from_items, self.to_users = to_items, from_items, to_users
        self.allowed = allowed  # in the release's vocabulary

    @classmethod
    def between(
        cls, release: Release, items: Vocabulary, users: Vocabulary, allowed: Bool | None
    ) -> "_Passage":
        to_users = None if users.digest == release.users.digest else _table(users, release.users)
        if items.digest == release.items.digest:
            return cls(None, None, to_users, allowed)
        from_items = _table(release.items, items)
        known = from_items > 0
        if allowed is not None:
            known &= allowed[from_items]
        return cls(_table(items, release.items), from_items, to_users, known)

    def there(self, block: Histories) -> Histories:
        users = block.users if self.to_users is None else self.to_users[block.users]
        if self.to_items is not None:
            return block.mapped(self.to_items, users)
        return Histories(block.flat, block.starts, block.ends, users, block.last)

    def back(self, lists: Recommendations) -> Recommendations:
        return lists if self.from_items is None else lists.mapped(self.from_items)


def _table(of: Vocabulary, into: Vocabulary) -> Int32:
    """(V,) each index of one vocabulary in the other, 0 where it does not know the id."""
    nothing = pl.Series("id", [None], dtype=pl.String)
    return np.asarray(into.encode(pl.concat([nothing, of.ids.rename("id")])))
