"""Clean-up, order and protocols on logs small enough to read."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from hm_pipeline.data.build import build
from hm_pipeline.data.log import ARTICLE_SCHEMA, LOG_SCHEMA, USER_SCHEMA, Catalogue, InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Holdout, Samples
from hm_pipeline.data.sequences import sequences
from hm_pipeline.data.split import next_day
from hm_pipeline.errors import EmptyWindowError

FIRST = date(2021, 6, 1)
MIDNIGHT = datetime(2021, 6, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)

Event = tuple[str, str, int]  # user, item, hours since the first midnight


def log(*events: Event, event_type: str = "view", order: list[int | None] | None = None) -> InteractionLog:
    rows = [
        {
            "user_id": user,
            "item_id": item,
            "timestamp": MIDNIGHT + timedelta(hours=hours),
            "day": FIRST + timedelta(days=hours // 24),
            "event_type": event_type,
            "order": order[n] if order else None,
        }
        for n, (user, item, hours) in enumerate(events)
    ]
    return InteractionLog.of("SE", FIRST, FIRST + timedelta(days=9), pl.DataFrame(rows, schema=LOG_SCHEMA))


def visits(user: str, items: str, start: int = 0) -> list[Event]:
    """One item an hour."""
    return [(user, item, start + n) for n, item in enumerate(items)]


def cleaned(of: InteractionLog, seed: int = 3) -> list[str]:
    return sequences(of, ("view",), seed).frame["item_id"].to_list()


def built(of: InteractionLog, protocol: str, day: date | None = None, share: float = 0.0) -> Samples:
    config = SampleConfig(seed=3, validation_share=share)
    return build(of, Catalogue.empty(), config, protocol, day)  # type: ignore[arg-type]


def train(samples: Samples) -> dict[str, str]:
    return {u: "".join(samples.items.decode(samples.train[n])) for n, u in enumerate(samples.users.ids)}


def asked(samples: Samples, holdout: str) -> list[tuple[str, str | None]]:
    h: Holdout = samples.holdouts[holdout]
    targets = samples.items.decode(h.targets)
    return [("".join(samples.items.decode(h.histories[n])), targets[n]) for n in range(len(h))]


# ---- clean-up and order ----


def test_an_item_that_repeats_the_one_kept_just_before_leaves_and_a_later_return_stays() -> None:
    assert cleaned(log(*visits("u", "aabbbacca"))) == list("abaca")


def test_the_same_item_of_the_next_user_is_no_repetition() -> None:
    assert cleaned(log(*visits("u", "ab"), *visits("v", "bb"))) == list("abb")


def test_a_repetition_across_midnight_is_one_interaction_of_the_first_day() -> None:
    s = sequences(log(("u", "a", 23), ("u", "a", 24), ("u", "b", 25)), ("view",), 3)
    assert s.frame.select("item_id", "day").rows() == [("a", FIRST), ("b", SECOND)]


def test_events_that_make_no_history_do_not_separate_repetitions() -> None:
    viewed, bought = log(("u", "a", 0), ("u", "a", 2)), log(("u", "b", 1), event_type="purchase")
    both = InteractionLog.of("SE", FIRST, FIRST, pl.concat([viewed.frame, bought.frame]))
    assert cleaned(both) == ["a"]


def test_ties_follow_the_order_column_and_rows_without_one_come_last() -> None:
    at_once = [("u", item, 0) for item in "abcd"]
    assert cleaned(log(*at_once, order=[3, 1, None, 2])) == list("bdac")


def test_time_goes_before_the_order_column() -> None:
    assert cleaned(log(("u", "a", 1), ("u", "b", 0), order=[1, 2])) == list("ba")


def test_ties_without_order_follow_a_hash_that_a_seed_changes_and_the_file_does_not() -> None:
    at_once: list[Event] = [("u", f"{item:02}", 0) for item in range(30)]
    forwards, backwards = cleaned(log(*at_once)), cleaned(log(*at_once[::-1]))
    assert forwards == backwards
    assert forwards != sorted(forwards)
    assert forwards != cleaned(log(*at_once), seed=4)


def test_ties_of_another_day_or_user_are_ordered_anew() -> None:
    items = [f"{item:02}" for item in range(30)]
    today = cleaned(log(*[("u", i, 0) for i in items]))
    assert today != cleaned(log(*[("v", i, 0) for i in items]))
    assert today != cleaned(log(*[("u", i, 24) for i in items]))


def test_a_window_without_a_fitting_event_says_which_events_and_which_market() -> None:
    with pytest.raises(EmptyWindowError, match="market SE: no view or basket interaction"):
        sequences(log(("u", "a", 0), event_type="purchase"), ("view", "basket"), 3)


# ---- leave last out ----


def test_users_of_one_two_and_three_interactions_under_leave_last_out() -> None:
    samples = built(log(*visits("u1", "a"), *visits("u2", "ab"), *visits("u3", "abc")), "leave_last_out")
    assert train(samples) == {"u1": "a", "u2": "a", "u3": "a"}
    assert asked(samples, "validation") == [("a", None)]  # b stands in no training split
    assert asked(samples, "test") == [("a", None), ("a", None)]
    assert samples.holdouts["test"].oov_rate == 1
    assert samples.counts.tolist() == [0, 3]


def test_a_user_whose_repetitions_leave_one_interaction_is_not_asked() -> None:
    samples = built(log(*visits("u", "aaa"), *visits("v", "abab")), "leave_last_out")
    assert asked(samples, "test") == [("aba", "b")]


def test_a_user_asked_on_two_training_items_is_validated_before_he_is_tested() -> None:
    samples = built(log(*visits("u", "abab"), *visits("v", "bac")), "leave_last_out")
    assert train(samples) == {"u": "ab", "v": "b"}
    assert asked(samples, "validation") == [("ab", "a"), ("b", "a")]
    assert asked(samples, "test") == [("aba", "b"), ("ba", None)]


def test_the_thesis_selects_on_the_test_set() -> None:
    samples = built(log(*visits("u", "abc"), *visits("v", "c")), "thesis")
    assert train(samples) == {"u": "ab", "v": "c"}
    assert asked(samples, "test") == asked(samples, "validation") == [("ab", "c")]


def test_refit_learns_from_everything_and_asks_nobody() -> None:
    samples = built(log(*visits("u", "abc"), *visits("v", "c")), "refit")
    assert train(samples) == {"u": "abc", "v": "c"}
    assert samples.holdouts == {}


# ---- unknown items ----


def test_an_unknown_last_item_leaves_the_history_and_bars_no_other_item() -> None:
    samples = built(log(*visits("u", "abxa"), *visits("v", "a")), "leave_last_out")
    test = samples.holdouts["test"]
    assert asked(samples, "test") == [("ab", "a")]
    assert test.histories.last.tolist() == [0]  # x was last; b may be recommended


def test_the_vocabulary_is_ordered_by_count_then_id() -> None:
    samples = built(log(*visits("u", "cabcbd")), "refit")
    assert samples.items.ids.to_list() == ["b", "c", "a", "d"]
    assert samples.counts.tolist() == [0, 2, 2, 1, 1]


# ---- next day ----


def test_the_first_and_the_last_arrival_of_the_target_day() -> None:
    samples = built(log(*visits("u", "ab"), *visits("u", "cba", start=24)), "next_day", SECOND)
    assert train(samples) == {"u": "ab"}
    assert asked(samples, "first") == [("ab", None)]
    assert asked(samples, "last") == [("abb", "a")]  # c came between, unknown


def test_an_arrival_that_repeats_the_last_item_of_the_night_before_is_no_arrival() -> None:
    samples = built(log(*visits("u", "ab"), ("u", "b", 24), ("u", "a", 25)), "next_day", SECOND)
    assert asked(samples, "first") == [("ab", "a")]


def test_a_user_without_history_is_asked_as_the_unknown_user() -> None:
    samples = built(log(*visits("u", "ab"), ("new", "a", 24), ("u", "a", 25)), "next_day", SECOND)
    assert samples.users.ids.to_list() == ["u"]
    assert sorted(asked(samples, "first")) == [("", "a"), ("ab", "a")]
    assert samples.holdouts["first"].cold_rate == 0.5
    assert sorted(samples.holdouts["first"].histories.users.tolist()) == [0, 1]


def test_nobody_is_asked_about_a_day_after_the_target_day() -> None:
    samples = built(log(*visits("u", "ab"), *visits("u", "ba", start=48)), "next_day", SECOND)
    assert len(samples.holdouts["first"]) == len(samples.holdouts["last"]) == 0


def test_validation_users_give_their_last_item_before_the_target_day() -> None:
    events = [event for n in range(200) for event in visits(f"u{n}", "abc")]
    samples = built(log(*events, ("u0", "a", 24)), "next_day", SECOND, share=0.3)
    asked_users = len(samples.holdouts["validation"])
    assert 30 < asked_users < 90
    assert sorted(train(samples).values()) == ["ab"] * asked_users + ["abc"] * (200 - asked_users)
    assert set(asked(samples, "validation")) == {("ab", "c")}


def test_who_validates_does_not_depend_on_who_else_is_there() -> None:
    def chosen(users: range) -> set[str]:
        s = sequences(log(*[event for n in users for event in visits(f"u{n}", "abc")]), ("view",), 3)
        who = next_day(s, SECOND, 0.3, 3).questions["validation"].users
        return set(s.user_ids.gather(who))

    assert chosen(range(50)) == {u for u in chosen(range(100)) if int(u[1:]) < 50} != set()


def test_a_target_day_with_nothing_before_it_is_an_empty_window() -> None:
    with pytest.raises(EmptyWindowError, match="no interaction before 2021-06-01"):
        built(log(*visits("u", "ab")), "next_day", FIRST)


# ---- beside the histories ----


def test_sales_are_purchases_up_to_the_last_day_that_is_learned_from() -> None:
    viewed = log(*visits("u", "ab"), ("u", "a", 24))
    bought = log(("u", "b", 1), ("v", "b", 2), ("u", "x", 2), ("u", "a", 25), event_type="purchase")
    both = InteractionLog.of("SE", FIRST, SECOND, pl.concat([viewed.frame, bought.frame]))
    samples = built(both, "next_day", SECOND)
    assert samples.sales is not None
    assert dict(zip(samples.items.ids, samples.sales[1:].tolist(), strict=True)) == {"a": 0, "b": 2}
    assert built(viewed, "next_day", SECOND).sales is None


def test_a_target_outside_the_vocabulary_keeps_its_category() -> None:
    articles = pl.DataFrame(
        [{"item_id": "x", "category": "hat"}, {"item_id": "a", "category": "shoe"}], schema=ARTICLE_SCHEMA
    )
    catalogue = Catalogue(articles, USER_SCHEMA.to_frame())
    samples = build(log(*visits("u", "ax"), *visits("v", "ab")), catalogue, SampleConfig(), "leave_last_out")
    category = samples.attributes["category"]
    codes = samples.holdouts["test"].target_attributes["category"]
    assert samples.holdouts["test"].targets.tolist() == [0, 0]
    assert [category.values[code] for code in codes] == ["hat", ""]
    assert [category.values[code] for code in category.codes[1:]] == ["shoe"]
