"""Lists that workers make, each of some users, are the lists that one process makes."""

import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from answering import DAY, a_run, in_office

from flows import dispatch
from flows.answer import answer
from flows.dispatch import errand_of
from flows.errand import Errand
from hm_pipeline.data.samples import Samples
from hm_pipeline.models.release import Release
from hm_pipeline.retrieval.answer import BLOCK_ROWS
from tasks.forgetting import forget
from tasks.lists import LISTS, answer_shard, lists_address, recommend
from tasks.settings import settings
from tasks.shard import Shard, shards
from tasks.stage import Stored, stored

USERS = 120


@pytest.fixture
def cut(stored_samples: Stored[Samples], release: Stored[Release]) -> list[Shard]:
    """Three ranges, smaller than those that `shards` makes."""
    made = {"run": a_run(), "everything": stored_samples, "ref": in_office(release)}
    return [Shard(**made, first=first, stop=min(first + 50, USERS)) for first in range(0, USERS, 50)]


def rows(lists: Stored[pl.DataFrame], name: str = "lists") -> pl.DataFrame:
    return pl.read_parquet(lists.folder() / f"{name}.parquet")


def test_merged_they_are_everybodys_lists_in_the_same_order(cut: list[Shard]) -> None:
    run, everything, ref = cut[0].run, cut[0].everything, cut[0].ref
    parts = [answer_shard.fn(shard) for shard in cut]
    merged = recommend.fn(run, everything, ref, parts)
    assert merged is not None
    assert merged.facts["users"] == USERS
    other = run.model_copy(update={"day": date(2021, 6, 30)})  # nothing lies there yet
    alone = recommend.fn(other, everything, ref)
    assert not alone.reused
    assert rows(merged).equals(rows(alone))
    assert rows(merged, "default").equals(rows(alone, "default"))


def test_a_range_that_lies_there_is_not_answered_again_and_lies_where_it_was_wanted(cut: list[Shard]) -> None:
    assert not answer_shard.fn(cut[1]).reused
    assert answer_shard.fn(cut[1]).reused
    assert rows(stored(cut[1].address))["user_id"].n_unique() == 50


def test_ranges_end_where_blocks_end_and_leave_nobody_out(
    stored_samples: Stored[Samples], release: Stored[Release]
) -> None:
    for users, wanted, sizes in (
        (3 * BLOCK_ROWS, 3, [BLOCK_ROWS] * 3),
        (3 * BLOCK_ROWS + 1, 2, [2 * BLOCK_ROWS, BLOCK_ROWS + 1]),
        (5 * BLOCK_ROWS, 3, [BLOCK_ROWS, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS]),
        (100, 8, [100]),
        (0, 2, []),
    ):
        of = stored_samples.model_copy(update={"facts": {"users": users}})
        found = shards(a_run(shards=wanted), of, in_office(release))
        assert [shard.stop - shard.first for shard in found] == sizes
        assert [shard.first for shard in found] == [sum(sizes[:n]) for n in range(len(sizes))]


@pytest.mark.parametrize("users", [1, BLOCK_ROWS, 140_000, 200_000, 1_350_000, 9 * BLOCK_ROWS])
@pytest.mark.parametrize("wanted", [1, 2, 4, 8, 50, 64])
def test_as_many_ranges_as_were_asked_for_or_one_a_block(
    stored_samples: Stored[Samples], release: Stored[Release], users: int, wanted: int
) -> None:
    of = stored_samples.model_copy(update={"facts": {"users": users}})
    found = shards(a_run(shards=wanted), of, in_office(release))
    blocks = [math.ceil((shard.stop - shard.first) / BLOCK_ROWS) for shard in found]
    assert len(found) == min(wanted, math.ceil(users / BLOCK_ROWS))
    assert max(blocks) - min(blocks) <= 1
    assert all(shard.first % BLOCK_ROWS == 0 for shard in found)
    assert (found[0].first, found[-1].stop) == (0, users)


@pytest.fixture
def sent(cut: list[Shard], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that workers were sent for; here they come at once."""
    shards_of = {shard.address: shard for shard in cut}
    keys: list[str] = []

    def carry_out(errands: Iterable[Errand]) -> None:
        for wanted in errands:
            keys.append(wanted.key)
            answer_shard.fn(shards_of[wanted.key])

    pools = settings().model_copy(update={"dispatch": "pools"})
    monkeypatch.setattr(dispatch, "settings", lambda: pools)
    monkeypatch.setattr(dispatch, "shards", lambda *_: cut)
    monkeypatch.setattr(dispatch, "recommend", recommend.fn)
    monkeypatch.setattr(dispatch, "carry_out", carry_out)
    return keys


def test_workers_are_asked_once_for_what_is_not_there(cut: list[Shard], sent: list[str]) -> None:
    run, everything, ref = cut[0].run, cut[0].everything, cut[0].ref
    answer_shard.fn(cut[1])
    made = dispatch.listed(run, everything, ref)
    assert sent == [cut[0].address, cut[2].address]
    assert made is not None
    assert made.prefix == lists_address(run, everything, ref)
    assert pl.read_parquet(made.folder() / LISTS)["user_id"].is_sorted(), (
        "parts in another order than the users"
    )


def test_lists_that_one_process_made_are_not_cut_and_answered_again(
    cut: list[Shard], sent: list[str]
) -> None:
    run, everything, ref = cut[0].run, cut[0].everything, cut[0].ref
    alone = recommend.fn(run, everything, ref)
    again = dispatch.listed(run, everything, ref)
    assert alone is not None
    assert again == alone.model_copy(update={"reused": True})
    assert sent == []


def test_who_is_in_office_is_read_once_for_everybody_and_nobody(
    cut: list[Shard], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    load = Release.load

    def counted(folder: Path) -> Release:
        read.append(folder)
        return load(folder)

    monkeypatch.setattr(Release, "load", counted)
    assert recommend.fn(cut[0].run, cut[0].everything, cut[0].ref) is not None
    assert len(read) == 1


def test_a_worker_of_its_pool_is_asked_by_a_value_that_it_reads_back(cut: list[Shard]) -> None:
    errand = errand_of(cut[2])
    assert (errand.deployment, errand.pool, errand.key) == ("answer/cpu", "cpu-pool", cut[2].address)
    assert errand.name == f"tiny-{DAY}-lists-of-repeat,-users-101-to-120"
    assert Shard.model_validate(errand.parameters["shard"]) == cut[2]
    assert not errand.is_done()
    assert answer.fn(cut[2]) == cut[2].address
    assert errand.is_done()


def test_who_trains_where_one_at_a_time_does_is_answered_elsewhere(cut: list[Shard]) -> None:
    run, ref = cut[0].run, cut[0].ref.model_copy(update={"kind": "lstm"})
    for exclusive, pool in (({"gpu"}, "cpu"), (set[str](), "gpu"), ({"cpu", "gpu"}, "gpu")):
        pools = {
            name: pool.model_copy(update={"exclusive": name in exclusive})
            for name, pool in run.config.pools.items()
        }
        there = run.model_copy(update={"config": run.config.model_copy(update={"pools": pools})})
        assert cut[0].model_copy(update={"run": there, "ref": ref}).pool == pool


def test_who_is_forgotten_is_forgotten_there_too(cut: list[Shard]) -> None:
    lists = answer_shard.fn(cut[0])
    gone = rows(lists)["user_id"][0]
    assert forget(lists.prefix, frozenset([gone]))
    assert gone not in rows(lists)["user_id"]
