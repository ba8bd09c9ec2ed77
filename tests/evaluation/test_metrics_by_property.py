"""Each metric against its definition, spelled out as slowly as it reads."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Attribute, Holdout, Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import evaluate

Case = tuple[list[list[int]], list[int], list[int], list[int], list[int], int]  # lists … see `cases`


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """lists, targets, their values, codes and counts of items 1..V-1, K; lists short, empty or longer than K."""
    size = draw(st.integers(1, 7))
    k = draw(st.integers(1, 5))
    users = draw(st.integers(0, 7))
    shuffled = st.permutations(range(1, size + 1))
    lists = [draw(shuffled)[: draw(st.integers(0, size))] for _ in range(users)]
    values = st.integers(0, 3)
    targets = [draw(st.integers(0, size)) for _ in range(users)]
    codes = [draw(values) for _ in range(size)]
    asked = [codes[t - 1] if t else draw(values) for t in targets]
    counts = [draw(st.integers(1, 9)) for _ in range(size)]
    return lists, targets, asked, codes, counts, k


def measured(case: Case) -> dict[str, Estimate]:
    lists, targets, asked, codes, counts, k = case
    width = max([len(row) for row in lists], default=0)
    items = np.array([row + [-1] * (width - len(row)) for row in lists], np.int32).reshape(len(lists), width)
    samples = Samples(
        "SE", "next_day", "", "", Vocabulary.of(map(str, codes_ids(codes))), Vocabulary.of([]), Histories.of([]),
        np.array([0, *counts]), np.array([0, *counts[::-1]]),
        {"colour": Attribute(("", "a", "b", "c"), np.array([0, *codes], np.int32))}, {},
    )  # fmt: skip
    holdout = Holdout(
        Histories.of([[] for _ in lists]), np.array(targets, np.int32), {"colour": np.array(asked, np.int32)}
    )
    scores = np.where(items > 0, 0, -np.inf).astype(np.float32)
    return evaluate(Recommendations(items, scores), holdout, samples, k).metrics


def codes_ids(codes: list[int]) -> range:
    return range(1, len(codes) + 1)


def levels(
    case: Case,
) -> list[tuple[str, list[list[int]], list[int], dict[int, float], dict[int, float], int]]:
    """(suffix, places, targets, share of interactions, share of sales, values in the vocabulary), by dictionary."""
    lists, targets, asked, codes, counts, k = case
    cut = [row[:k] for row in lists]
    by_item = {i + 1: count for i, count in enumerate(counts)}
    sold = {i + 1: count for i, count in enumerate(counts[::-1])}
    by_value = {c: sum(n for i, n in by_item.items() if codes[i - 1] == c) for c in codes}
    sold_value = {c: sum(n for i, n in sold.items() if codes[i - 1] == c) for c in codes}
    valued = [[codes[i - 1] for i in row] for row in cut]
    return [
        ("", cut, targets, shares(by_item), shares(sold), len(codes)),
        ("_colour", valued, asked, shares(by_value), shares(sold_value), len(set(codes))),
    ]


def shares(counts: dict[int, int]) -> dict[int, float]:
    return {key: count / sum(counts.values()) for key, count in counts.items()}


def mean_and_se(values: Sequence[float]) -> tuple[float | None, float | None]:
    n = len(values)
    if n == 0:
        return None, None
    mean = sum(values) / n
    if n == 1:
        return mean, None
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1)) / math.sqrt(n)


def by_deleting(
    statistic: Callable[[list[list[int]]], float], places: list[list[int]]
) -> tuple[float | None, float | None]:
    """The statistic, and its jackknife by really deleting each user."""
    n = len(places)
    if n == 0:
        return None, None
    if n == 1:
        return statistic(places), None
    without = [statistic(places[:u] + places[u + 1 :]) for u in range(n)]
    mean = sum(without) / n
    return statistic(places), math.sqrt((n - 1) / n * sum((v - mean) ** 2 for v in without))


def first_place(row: list[int], target: int) -> int | None:
    return row.index(target) + 1 if target in row else None


def cosine(a: set[int], b: set[int]) -> float:
    return len(a & b) / math.sqrt(len(a) * len(b))


def literal_personalization(places: list[list[int]]) -> tuple[float | None, float | None]:
    sets = [set(row) for row in places if row]
    n = len(sets)
    if n < 2:
        return None, None
    to_others = [
        sum(cosine(a, b) for j, b in enumerate(sets) if j != i) / (n - 1) for i, a in enumerate(sets)
    ]
    _, error = mean_and_se(to_others)
    assert error is not None
    return 1 - sum(to_others) / n, 2 * error


def literal_novelty(places: list[list[int]], p: dict[int, float]) -> tuple[float | None, float | None]:
    return mean_and_se([sum(-math.log(p[i]) for i in row) / len(row) for row in places if row])


def literally(case: Case) -> dict[str, tuple[float | None, float | None]]:
    k, result = case[-1], {}
    for suffix, places, targets, p, sold, size in levels(case):
        pairs = list(zip(places, targets, strict=True))
        found = [None if not suffix and t == 0 else first_place(row, t) for row, t in pairs]
        result |= {
            f"hr{suffix}": mean_and_se([0 if r is None else 1 for r in found]),
            f"precision{suffix}": mean_and_se([sum(v == t for v in row) / k for row, t in pairs]),
            f"ndcg{suffix}": mean_and_se([0 if r is None else 1 / math.log2(r + 1) for r in found]),
            f"mrr{suffix}": mean_and_se([0 if r is None else 1 / r for r in found]),
            f"coverage{suffix}": by_deleting(
                lambda ls, s=size: len({v for row in ls for v in row}) / s, places
            ),
            f"overlap{suffix}": by_deleting(
                lambda ls: 1 - len({frozenset(row) for row in ls}) / len(ls), places
            ),
            f"personalization{suffix}": literal_personalization(places),
            f"novelty{suffix}": literal_novelty(places, p),
            f"novelty_sales{suffix}": literal_novelty(places, sold),
        }
    cut = levels(case)[0][1]
    result["empty_lists"] = mean_and_se([0 if row else 1 for row in cut])
    result["short_lists"] = mean_and_se([1 if len(row) < k else 0 for row in cut])
    return result


@settings(max_examples=300, deadline=None)
@given(cases())
def test_every_metric_equals_its_definition(case: Case) -> None:
    got, wanted = measured(case), literally(case)
    assert got.keys() == wanted.keys()
    for metric, (mean, error) in wanted.items():
        assert got[metric].mean == pytest.approx(mean, abs=1e-9), metric
        assert got[metric].se == pytest.approx(error, abs=1e-7), metric


@settings(max_examples=50, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_users_is_not_information(case: Case, random: object) -> None:
    lists, targets, asked, codes, counts, k = case
    order = list(range(len(lists)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = (
        [lists[u] for u in order],
        [targets[u] for u in order],
        [asked[u] for u in order],
        codes,
        counts,
        k,
    )
    for metric, estimate in measured(case).items():
        assert measured(shuffled)[metric].mean == pytest.approx(estimate.mean, abs=1e-12)
