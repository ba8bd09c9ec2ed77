"""The ledger and what follows from it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hm_pipeline.errors import RegistryError
from hm_pipeline.registry.ledger import (
    Decision,
    Entry,
    Erasure,
    ModelRef,
    Release,
    Rollback,
    from_bytes,
    key_of,
    to_bytes,
)
from hm_pipeline.registry.promotion import Candidate, Champion, GateConfig, Night, Verdict, decide
from hm_pipeline.registry.state import State, before, rollback, state

START = date(2021, 6, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def ref(number: int, kind: str = "lstm") -> ModelRef:
    return ModelRef(kind=kind, day=day(number), version=number + 1, uri=f"releases/{number}", run_id="r")


def decision(seq: int, number: int, *, promote: bool = True, kind: str = "lstm") -> Decision:
    verdict = Verdict(day=day(number), promote=promote, winner=kind, step="own kind", reason="because")
    return Decision(
        seq=seq,
        day=day(number),
        run_digest="d",
        verdict=verdict,
        champion=ref(number, kind) if promote else None,
        lists=f"lists/{number}",
    )


def in_order(count: int) -> list[Entry]:
    return [decision(number + 1, number) for number in range(count)]


def test_keys_sort_as_time_does():
    assert key_of(1) == "ledger/00000001.json"
    assert key_of(9) < key_of(10) < key_of(100)


@pytest.mark.parametrize(
    "entry",
    [
        decision(1, 0),
        Rollback(seq=2, day=day(1), champion=ref(0), rolled_back=ref(1), lists="lists/0b"),
        Release(seq=3, day=day(1), kinds=frozenset({"lstm"}), versions=frozenset({2, 1})),
        Erasure(seq=4, day=day(1), users=("ab", "cd")),
    ],
    ids=lambda e: e.entry,
)
def test_an_entry_survives_being_written_down(entry: Entry):
    assert from_bytes(to_bytes(entry)) == entry


@pytest.mark.parametrize("data", [b"", b"{}", b'{"entry": "coronation", "seq": 1}'])
def test_what_is_no_entry_is_refused_by_its_key(data: bytes):
    with pytest.raises(RegistryError, match=r"ledger/00000007\.json"):
        from_bytes(data, key_of(7))


def test_an_empty_ledger_knows_nobody():
    assert state([]) == State()
    assert state([]).champion is None


def test_each_promotion_makes_the_champion_before_it_the_previous_one():
    now = state(in_order(3))
    assert (now.champion, now.previous, now.lists, now.newest) == (ref(2), ref(1), "lists/2", day(2))


def test_a_night_without_promotion_keeps_the_champion_and_moves_the_lists():
    now = state([decision(1, 0), decision(2, 1, promote=False)])
    assert (now.champion, now.lists, now.lists_day) == (ref(0), "lists/1", day(1))


def test_a_night_without_lists_leaves_latest_where_it_was():
    quiet = decision(2, 1, promote=False).model_copy(update={"lists": None})
    assert state([decision(1, 0), quiet]).lists == "lists/0"


@given(st.permutations(range(6)))
def test_days_in_any_order_end_with_the_champion_and_the_lists_of_the_newest(order: list[int]):
    now = state([decision(seq + 1, number) for seq, number in enumerate(order)])
    assert (now.champion, now.lists, now.newest) == (ref(5), "lists/5", day(5))


@given(st.permutations(range(6)))
def test_an_entry_of_an_older_day_moves_neither_alias_nor_pointer(order: list[int]):
    entries = [decision(seq + 1, number) for seq, number in enumerate(order)]
    for last in range(1, len(entries)):
        old, new = state(entries[:last]), state(entries[: last + 1])
        if entries[last].day < old.newest:
            assert (new.champion, new.previous, new.challenger) == (
                old.champion,
                old.previous,
                old.challenger,
            )
            assert (new.lists, new.lists_day, new.newest) == (old.lists, old.lists_day, old.newest)


def test_days_run_in_reverse_move_nothing_after_the_first():
    states = [state([decision(s + 1, 5 - s) for s in range(count)]) for count in range(1, 7)]
    assert {(s.champion, s.previous, s.lists) for s in states} == {(ref(5), None, "lists/5")}


def test_the_gate_refuses_days_in_reverse_and_says_why():
    entries: list[Entry] = []
    for number in (3, 2, 1):
        known = before(entries, day(number)).champion
        verdict = decide(
            Night(
                day=day(number),
                targets=500,
                newest=state(entries).newest,
                champion=known and Champion(kind=known.kind, day=known.day),
                candidates={"lstm": Candidate(validation_hr=0.2)},
            ),
            GateConfig(),
            state(entries).history,
        )
        promoted = ref(number) if verdict.promote else None
        entries.append(
            decision(len(entries) + 1, number).model_copy(update={"verdict": verdict, "champion": promoted})
        )
    assert state(entries).champion == ref(3)
    assert [e.verdict.step for e in entries] == ["first", "older day", "older day"]


def test_a_day_decided_again_replaces_its_own_champion():
    again = decision(3, 1).model_copy(update={"champion": ref(1, "als")})
    now = state([*in_order(2), again])
    assert (now.champion, now.previous) == (ref(1, "als"), ref(0))


def test_before_a_day_only_earlier_run_dates_count():
    assert before(in_order(4), day(2)).champion == ref(1)
    assert before(in_order(4), day(0)).champion is None


def test_a_rollback_goes_back_holds_what_it_rolled_back_and_shows_its_lists():
    entries = in_order(3)
    back = rollback(state(entries), day(2), lists="lists/1 again", reason="winter coats in June")
    now = state([*entries, back])
    assert (now.champion, now.previous, now.lists) == (ref(1), ref(0), "lists/1 again")
    assert (now.held_kinds, now.held_versions) == ({"lstm"}, {3})
    assert now.newest == day(2)


def test_the_lists_shown_for_a_day_are_those_of_a_rollback_where_one_followed():
    entries = in_order(3)
    back = rollback(state(entries), day(2), lists="lists/1 again")
    assert state([*entries, back]).shown == {
        day(0): "lists/0",
        day(1): "lists/1",
        day(2): "lists/1 again",
    }


def test_a_second_rollback_goes_back_one_more():
    entries = in_order(3)
    for _ in range(2):
        entries.append(rollback(state(entries), day(2), lists=None))
    assert state(entries).champion == ref(0)
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        rollback(state(entries), day(2), lists=None)


def test_the_night_after_a_rollback_follows_the_champion_gone_back_to():
    entries: list[Entry] = [*in_order(3)]
    entries.append(rollback(state(entries), day(2), lists=None))
    now = state([*entries, decision(5, 3, kind="als")])
    assert (now.champion, now.previous) == (ref(3, "als"), ref(1))


def test_a_rollback_does_not_touch_what_an_earlier_day_knew():
    entries: list[Entry] = [*in_order(3)]
    entries.append(rollback(state(entries), day(2), lists=None))
    assert before(entries, day(2)).champion == ref(1)
    assert before(entries, day(3)).champion == ref(1)


def test_a_hold_lasts_until_it_is_released():
    entries: list[Entry] = [*in_order(2)]
    entries.append(rollback(state(entries), day(1), lists=None))
    entries.append(Release(seq=4, day=day(1), kinds=frozenset({"lstm"}), versions=frozenset({2})))
    now = state(entries)
    assert (now.held_kinds, now.held_versions, now.champion) == (frozenset(), frozenset(), ref(0))


def test_an_erasure_is_remembered_and_moves_nothing():
    erasure = Erasure(seq=3, day=day(1), users=("ab",))
    now = state([*in_order(2), erasure])
    assert (now.erasures, now.champion) == ((erasure,), ref(1))


def test_a_day_decided_again_without_a_champion_gives_the_office_back():
    entries = in_order(2)
    again = entries[-1].model_copy(update={"seq": 3, "champion": None})
    assert state(entries).champion == ref(1)
    assert state([*entries, again]).champion == ref(0)


def test_a_missing_entry_is_named():
    with pytest.raises(RegistryError, match=r"ledger/00000002\.json is missing"):
        state([decision(1, 0), decision(3, 1)])


def test_an_entry_that_stands_twice_is_an_error():
    with pytest.raises(RegistryError, match="twice"):
        state([decision(1, 0), decision(1, 1)])


def test_the_gates_history_is_the_last_verdict_of_each_day_in_order_of_days():
    entries = [decision(1, 2), decision(2, 0), decision(3, 1), decision(4, 1, promote=False)]
    history = state(entries).history
    assert [v.day for v in history] == [day(0), day(1), day(2)]
    assert not history[1].promote
