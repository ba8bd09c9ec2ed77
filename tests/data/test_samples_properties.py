"""Samples against a slow, literal reading of docs/definitions.md, on random little logs."""

import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hm_pipeline.data.build import build
from hm_pipeline.data.log import ARTICLE_SCHEMA, LOG_SCHEMA, USER_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Holdout, Protocol, Samples
from hm_pipeline.errors import EmptyWindowError

FIRST = date(2021, 6, 1)
CATEGORY = {"p": "shoe", "q": "hat", "r": None, "s": "shoe"}  # nothing is known of t
CONFIG = SampleConfig(interaction_events=("view", "basket"), validation_share=0.5, seed=3)

events = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from("abcdef"),
        "item_id": st.sampled_from("pqrst"),
        "minute": st.sampled_from([0, 600, 600, 1380, 1500, 2000, 3000, 4400]),  # ties are frequent
        "event_type": st.sampled_from(["view", "view", "view", "basket", "purchase"]),
        "order": st.sampled_from([None, None, 1, 2]),
    }
)
logs = st.lists(events, min_size=1, max_size=40)
protocols = st.sampled_from(["leave_last_out", "thesis", "refit", "next_day"])
days = st.integers(1, 3).map(lambda n: FIRST + timedelta(days=n))


def rows_of(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a UTC time stamp and the local day of a zone two hours ahead."""
    rows = []
    for event in drawn:
        time = datetime(2021, 5, 31, 22, tzinfo=UTC) + timedelta(minutes=event["minute"])
        day = (time + timedelta(hours=2)).date()
        rows.append({**event, "timestamp": time, "day": day, "price": None})
    return rows


def log_of(rows: list[dict[str, Any]]) -> InteractionLog:
    frame = pl.DataFrame([{name: row[name] for name in LOG_SCHEMA} for row in rows], schema=LOG_SCHEMA)
    return InteractionLog.of("SE", FIRST, FIRST + timedelta(days=3), frame)


def catalogue_of(order: list[str]) -> Catalogue:
    known = [{"item_id": i, "category": CATEGORY[i]} for i in order]
    return Catalogue(pl.DataFrame(known, schema=ARTICLE_SCHEMA), USER_SCHEMA.to_frame())


def samples_of(
    rows: list[dict[str, Any]], protocol: Protocol, day: date, config: SampleConfig = CONFIG
) -> Samples:
    """Under hypothesis an empty window is no example; its error has a test by hand."""
    target = day if protocol == "next_day" else None
    try:
        return build(log_of(rows), catalogue_of(list(CATEGORY)), config, protocol, target)
    except EmptyWindowError:
        assume(False)
        raise


# ---- the literal reading: nothing here but lists, dictionaries and loops ----

Cleaned = dict[str, list[dict[str, Any]]]
Asked = tuple[str | None, tuple[str, ...], str | None, str | None, str]


def polars_hash(text: str) -> int:
    return int(pl.Series([text]).hash(CONFIG.seed)[0])


def cleaned(rows: list[dict[str, Any]]) -> Cleaned:
    """Preprocessing 1 and 2."""

    def in_order(row: dict[str, Any]) -> tuple[Any, ...]:
        tie = polars_hash(f"{row['user_id']}\x1f{row['item_id']}\x1f{row['day']}")
        return row["timestamp"], row["order"] is None, row["order"] or 0, tie, row["item_id"]

    users: Cleaned = {}
    for row in sorted((r for r in rows if r["event_type"] in CONFIG.interaction_events), key=in_order):
        kept = users.setdefault(row["user_id"], [])
        if not kept or kept[-1]["item_id"] != row["item_id"]:
            kept.append(row)
    return users


def cut(
    protocol: Protocol, day: date, user: str, history: list[dict[str, Any]]
) -> tuple[int, dict[str, int]]:
    """How many interactions train, and by holdout the position (from 0) of the target."""
    n, before = len(history), sum(row["day"] < day for row in history)
    today = [t for t, row in enumerate(history) if row["day"] == day]
    match protocol:
        case "refit":
            return n, {}
        case "thesis":
            return (n - 1, {"validation": n - 1, "test": n - 1}) if n >= 2 else (n, {})
        case "leave_last_out":
            if n == 1:
                return 1, {}
            return (1, {"test": 1}) if n == 2 else (n - 2, {"validation": n - 2, "test": n - 1})
        case "next_day":
            asked = {"first": today[0], "last": today[-1]} if today else {}
            if before >= 2 and polars_hash(user) < CONFIG.validation_share * 2**64:
                return before - 1, asked | {"validation": before - 1}
            return before, asked


def literally(rows: list[dict[str, Any]], protocol: Protocol, day: date) -> dict[str, Any]:
    users = cleaned(rows)
    cuts = {user: cut(protocol, day, user, history) for user, history in users.items()}
    train = {u: [row["item_id"] for row in users[u][:n]] for u, (n, _) in cuts.items() if n}
    counts = Counter(item for items in train.values() for item in items)
    holdouts: dict[str, Counter[Asked]] = {}
    for user, (_, targets) in cuts.items():
        for name, at in targets.items():
            items = [row["item_id"] for row in users[user]]
            last, target = (items[at - 1] if at else None), items[at]
            asked = (
                user if user in train else None,
                tuple(item for item in items[:at] if item in counts),
                last if last in counts else None,
                target if target in counts else None,
                CATEGORY.get(target) or "",
            )
            holdouts.setdefault(name, Counter())[asked] += 1
    return {
        "items": sorted(counts, key=lambda item: (-counts[item], item)),
        "counts": counts,
        "train": train,
        "holdouts": holdouts,
    }


# ---- the same, read back from Samples ----


def ids(vocabulary_ids: pl.Series, indices: np.ndarray) -> list[str | None]:
    return [None if i == 0 else vocabulary_ids[int(i) - 1] for i in indices]


def asked(s: Samples, holdout: Holdout) -> Counter[Asked]:
    h = holdout.histories
    users, last = ids(s.users.ids, h.users), ids(s.items.ids, h.last)
    targets = ids(s.items.ids, holdout.targets)
    values = [s.attributes["category"].values[c] for c in holdout.target_attributes["category"]]
    seen = [tuple(ids(s.items.ids, h[row])) for row in range(len(h))]
    return Counter(zip(users, seen, last, targets, values, strict=True))  # type: ignore[arg-type]


def read_back(s: Samples) -> dict[str, Any]:
    items = s.items.ids.to_list()
    return {
        "items": items,
        "counts": Counter(dict(zip(items, s.counts[1:].tolist(), strict=True))),
        "train": {user: ids(s.items.ids, s.train[row]) for row, user in enumerate(s.users.ids)},
        "holdouts": {name: asked(s, holdout) for name, holdout in s.holdouts.items() if len(holdout)},
    }


@settings(max_examples=120, deadline=None)
@given(logs, protocols, days)
def test_every_protocol_equals_a_literal_reading(
    drawn: list[dict[str, Any]], protocol: Protocol, day: date
) -> None:
    rows = rows_of(drawn)
    samples = samples_of(rows, protocol, day)
    assert read_back(samples) == literally(rows, protocol, day)
    assert samples.train.users.tolist() == list(range(1, len(samples.users)))
    categories = [samples.attributes["category"].values[c] for c in samples.attributes["category"].codes[1:]]
    assert categories == [CATEGORY.get(item) or "" for item in samples.items.ids]


@settings(max_examples=80, deadline=None)
@given(logs, protocols, days)
def test_no_sample_sees_its_own_target_or_anything_after_it(
    drawn: list[dict[str, Any]], protocol: Protocol, day: date
) -> None:
    rows = [
        {**row, "item_id": f"{n:02}"} for n, row in enumerate(rows_of(drawn))
    ]  # each item once: its own clock
    at = {row["item_id"]: (row["timestamp"], row["day"]) for row in rows}
    samples = samples_of(rows, protocol, day)
    train = [ids(samples.items.ids, samples.train[row]) for row in range(len(samples.train))]
    for items in train:
        assert items == sorted(items, key=lambda item: at[item][0])
        assert len(set(items)) == len(items)
    learned = {item for items in train for item in items}
    assert learned == set(samples.items.ids)
    if protocol == "next_day":
        assert all(at[item][1] < day for item in learned)
    for holdout in samples.holdouts.values():
        assert not holdout.targets.any()  # each target stood outside the training split, so nobody knows it


@settings(max_examples=50, deadline=None)
@given(logs, days)
def test_a_history_that_is_asked_ends_before_its_target(drawn: list[dict[str, Any]], day: date) -> None:
    """Every item is viewed by a trained user of its own too, so that nothing is unknown."""
    rows = [{**row, "item_id": f"{n:02}"} for n, row in enumerate(rows_of(drawn))]
    at = {row["item_id"]: row["timestamp"] for row in rows}
    early = datetime(2021, 5, 31, 22, tzinfo=UTC)
    known = [{**r, "user_id": "zz", "timestamp": early, "day": FIRST, "event_type": "view"} for r in rows]
    samples = samples_of(rows + known, "next_day", day, CONFIG.model_copy(update={"validation_share": 0.0}))
    for holdout in samples.holdouts.values():
        for row, target in enumerate(ids(samples.items.ids, holdout.targets)):
            past = ids(samples.items.ids, holdout.histories[row])
            assert target is not None
            assert target not in past
            assert all(at[item] <= at[target] for item in past if item is not None)


@settings(max_examples=60, deadline=None)
@given(logs, protocols, st.randoms(use_true_random=False))
def test_shuffling_the_rows_changes_nothing_at_all(
    drawn: list[dict[str, Any]], protocol: Protocol, random: Any
) -> None:
    rows, known, day = rows_of(drawn), list(CATEGORY), FIRST + timedelta(days=2)
    samples = samples_of(rows, protocol, day)
    random.shuffle(rows)
    random.shuffle(known)
    target = day if protocol == "next_day" else None
    shuffled = build(log_of(rows), catalogue_of(known), CONFIG, protocol, target)
    assert shuffled.digest == samples.digest
    assert read_back(shuffled) == read_back(samples)


@settings(max_examples=60, deadline=None)
@given(logs, st.sampled_from(["refit", "next_day", "leave_last_out"]), days)
def test_what_happens_after_the_last_day_looked_at_changes_nothing(
    drawn: list[dict[str, Any]], protocol: Protocol, day: date
) -> None:
    rows = rows_of(drawn)
    assume(any(row["day"] < day and row["event_type"] == "view" for row in rows))
    catalogue = catalogue_of(list(CATEGORY))
    whole = build(log_of(rows), catalogue, CONFIG, protocol, day)
    cut_off = build(log_of([row for row in rows if row["day"] <= day]), catalogue, CONFIG, protocol, day)
    assert whole.digest == cut_off.digest
    assert (whole.first_day, whole.last_day) == (cut_off.first_day, cut_off.last_day)


@settings(max_examples=60, deadline=None)
@given(logs, days)
def test_the_arrivals_of_the_target_day_change_nothing_that_is_learned(
    drawn: list[dict[str, Any]], day: date
) -> None:
    rows = rows_of(drawn)
    whole = samples_of(rows, "next_day", day)
    early = samples_of([row for row in rows if row["day"] < day], "next_day", day)
    assert whole.items.digest == early.items.digest
    assert whole.users.digest == early.users.digest
    assert whole.last_day == early.last_day
    assert (whole.sales is None) or early.sales is None or (whole.sales == early.sales).all()
    learned, learned_early = read_back(whole), read_back(early)
    assert learned["train"] == learned_early["train"]
    assert learned["counts"] == learned_early["counts"]
    assert learned["holdouts"].get("validation") == learned_early["holdouts"].get("validation")
    assert learned_early["holdouts"].keys() <= {"validation"}


@settings(max_examples=60, deadline=None)
@given(logs, protocols)
def test_samples_come_back_as_they_were_saved(drawn: list[dict[str, Any]], protocol: Protocol) -> None:
    samples = samples_of(rows_of(drawn), protocol, FIRST + timedelta(days=2))
    with tempfile.TemporaryDirectory() as folder:
        samples.save(Path(folder))
        loaded = Samples.load(Path(folder))
        assert isinstance(loaded.train.flat, np.memmap)
        assert all(np.shares_memory(h.histories.flat, loaded.train.flat) for h in loaded.holdouts.values())
        assert loaded.digest == samples.digest
        assert read_back(loaded) == read_back(samples)
        assert (loaded.market, loaded.protocol) == (samples.market, samples.protocol)
        assert (loaded.first_day, loaded.last_day) == (samples.first_day, samples.last_day)
        assert (loaded.sales is None) == (samples.sales is None)


def test_one_more_interaction_changes_the_digest() -> None:
    rows = rows_of(
        [{"user_id": "a", "item_id": i, "minute": 0, "event_type": "view", "order": None} for i in "pq"]
    )
    one, both = samples_of(rows[:1], "refit", FIRST), samples_of(rows, "refit", FIRST)
    assert one.digest != both.digest
    assert (
        replace(both, counts=both.counts + np.eye(len(both.counts), dtype=np.int64)[1]).digest != both.digest
    )


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_validation_users_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="validation_share"):
        SampleConfig(validation_share=share)
