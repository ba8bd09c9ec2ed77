"""A fit goes on from the bucket's copy of its checkpoints; one that an erasure overtakes forgets, too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import DAY, a_run, store
from embedded import World
from markov_shoppers import markov_samples

from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.registry.card import Learned
from tasks import register, train
from tasks.checkpoints import POINTER
from tasks.erasure import erase
from tasks.job import Job
from tasks.order import Order
from tasks.progress import under
from tasks.settings import settings


@pytest.fixture
def order(samples: Samples) -> Order:
    return an_order(samples)


@pytest.fixture
def remote_order(tmp_path: Path, s3_root: str) -> Iterator[Order]:
    """Results lie in a bucket, and this machine has none of them."""
    world = World(tmp_path, f"{s3_root}/{tmp_path.name}")
    world.settle()
    with world.entered():
        yield an_order(markov_samples(users=120, items=60, predictability=0.3, protocol="next_day", day=DAY))


def an_order(samples: Samples) -> Order:
    facts = {"digest": samples.digest, **dict.fromkeys(Learned.model_fields, 1)}
    return Order(run=a_run(), samples=store("samples", samples.save, **facts), kind="popularity")


def test_who_is_forgotten_by_another_run_during_a_fit_is_in_no_model(
    world: World, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world.raw / "erase" / "market=tiny" / "2021.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("u0001\n")
    fit = train._by_so_many

    def meanwhile(*given: Any) -> Any:
        done = fit(*given)
        assert erase.fn("tiny", DAY) == 1, "what is half made here is not there to be searched"
        return done

    monkeypatch.setattr(register, "forget_users", lambda *_: [])
    monkeypatch.setattr(train, "_by_so_many", meanwhile)
    users = Vocabulary.load(train.train.fn(order).folder() / "users.parquet")
    assert users.ids.null_count() == 1, "a grave"
    assert "u0001" not in users.ids


def test_a_fit_goes_on_where_another_machine_was_and_leaves_no_checkpoint(
    remote_order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"tiny/{DAY}/checkpoints/train-popularity/{remote_order.digest}"
    pointer = json.dumps({"last": "step-7", "best": None, "state": {"step": 7}}).encode()
    settings().storage.write(f"{place}/step-7/tensors.safetensors", b"7")
    settings().storage.write(f"{place}/{POINTER}", pointer)
    seen, fit = dict[str, bytes](), train._by_so_many

    def look(processes: int, job: Job, progress: Any) -> Any:
        assert job.copied_to == place
        files = job.checkpoints.rglob("*")
        seen.update({str(f.relative_to(job.checkpoints)): f.read_bytes() for f in files if f.is_file()})
        return fit(processes, job, progress)

    monkeypatch.setattr(train, "_by_so_many", look)
    train.train.fn(remote_order)
    assert (seen["step-7/tensors.safetensors"], seen[POINTER]) == (b"7", pointer)
    assert settings().storage.keys(f"tiny/{DAY}/checkpoints") == []
    assert [*(settings().work / "checkpoints").rglob("*.*")] == []


def test_a_checkpoint_travels_to_the_bucket_as_soon_as_it_is_whole(
    remote_order: Order, tmp_path: Path
) -> None:
    job = Job(
        config=remote_order.config,
        samples=tmp_path,
        release=tmp_path,
        checkpoints=tmp_path / "here",
        copied_to="tiny/there",
        k=14,
    )
    (job.checkpoints / "step-1").mkdir(parents=True)
    (job.checkpoints / "step-1" / "tensors.safetensors").write_bytes(b"1")
    (job.checkpoints / POINTER).write_text('{"last": "step-1", "best": null, "state": {"step": 1}}')
    job._context(under("train")).on_checkpoint()
    there = {entry.key.rsplit("/", 1)[-1] for entry in settings().storage.keys("tiny/there")}
    assert {POINTER, "tensors.safetensors"} <= there
