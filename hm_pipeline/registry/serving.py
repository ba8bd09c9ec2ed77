"""What a served model answers: plain ids in, plain ids out. No MLflow here.

A served model knows the users' vectors, not their histories: who asks for a known user without giving a
history gets that user's list after an empty history, not tonight's published one.

N rows of a request, K places of a list.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.errors import ModelError
from hm_pipeline.models.release import Release
from hm_pipeline.retrieval.answer import answer

MOST = 1000  # places of a list that may be asked for


def recommend(
    release: Release, users: Sequence[str | None], histories: Sequence[Sequence[str]], k: int
) -> tuple[list[list[str]], list[list[float]]]:
    """(item ids, scores) of N rows, best first; an unknown user and an empty history get a sensible list."""
    if not 1 <= k <= MOST:
        raise ModelError(f"k is {k}: ask for 1 to {MOST} items")
    asked = _histories(release, users, histories)
    lists = answer(release, asked, release.items, release.users, k)
    return _ids(lists, release.items), _scores(lists)


def user_ids(column: Iterable[Any]) -> list[str | None]:
    """User ids of a request's column; ModelError names the row that holds something else."""
    return [_user(value, row) for row, value in enumerate(column)]


def item_lists(column: Iterable[Any]) -> list[list[str]]:
    """Histories of a request's column: lists of ids or JSON text of one; null is an empty history."""
    return [_items(value, row) for row, value in enumerate(column)]


def _user(value: Any, row: int) -> str | None:
    if _missing(value):
        return None
    if not isinstance(value, str):
        raise ModelError(f"row {row}: user_id is {_said(value)}, a text or null is asked for")
    return value


def _items(value: Any, row: int) -> list[str]:
    if _missing(value):
        return []
    items = _parsed(value, row) if isinstance(value, str) else value
    if isinstance(items, np.ndarray):
        items = items.tolist()
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ModelError(
            f"row {row}: history is {_said(value)}, a list of item ids (texts), oldest first, is asked for"
        )
    return items


def _parsed(text: str, row: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelError(
            f"row {row}: history is {_said(text)}, which is no JSON list of item ids: {error}"
        ) from error


def _missing(value: Any) -> bool:
    """Null as JSON, pandas and numpy write it."""
    return value is None or (isinstance(value, float) and np.isnan(value))


def _said(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:60]!r}"


def _histories(
    release: Release, users: Sequence[str | None], histories: Sequence[Sequence[str]]
) -> Histories:
    """Cleaned as in training: consecutive duplicates first, then what the vocabulary does not know."""
    cleaned = [[item for item, _ in groupby(items)] for items in histories]
    lengths = np.array([len(items) for items in cleaned], dtype=np.int64)
    ends = np.cumsum(lengths)
    flat = release.items.encode(pl.Series([i for items in cleaned for i in items], dtype=pl.String))
    last = np.array([0 if not n else flat[end - 1] for n, end in zip(lengths, ends, strict=True)], np.int32)
    known = np.concatenate([[0], np.cumsum(flat > 0)]).astype(np.int64)
    return Histories(
        flat=flat[flat > 0],
        starts=known[ends - lengths],
        ends=known[ends],
        users=release.users.encode(pl.Series(list(users), dtype=pl.String)),
        last=last,
    )


def _ids(lists: Recommendations, items: Vocabulary) -> list[list[str]]:
    """N lists of ids; short lists are short."""
    ids = items.decode(np.maximum(lists.items, 0)).to_list()
    width = lists.items.shape[1]
    rows = [ids[row * width : (row + 1) * width] for row in range(len(lists))]
    return [[id_ for id_ in row if id_ is not None] for row in rows]


def _scores(lists: Recommendations) -> list[list[float]]:
    return [
        [float(score) for score, item in zip(scores, items, strict=True) if item > 0]
        for scores, items in zip(lists.scores, lists.items, strict=True)
    ]
