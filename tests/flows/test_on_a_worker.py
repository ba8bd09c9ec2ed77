"""What a run does on a worker's machine before its own work: it outlives the worker, and tidies up."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import DAY, a_run, in_office, store
from embedded import World, without_orchestrator
from markov_shoppers import markov_samples
from rich.console import Console

from flows.answer import answer
from flows.train import train_model
from hm_pipeline.data.log import Catalogue
from hm_pipeline.models.release import Release
from hm_pipeline.models.repeat import Repeat, RepeatConfig
from hm_pipeline.registry.card import Learned
from hm_pipeline.storage import find, materialise
from tasks.listeners import _drop_output, _Lasting
from tasks.order import Order
from tasks.settings import settings
from tasks.shard import Shard


@pytest.fixture
def remote(tmp_path: Path, s3_root: str) -> Iterator[World]:
    """A machine that shares a bucket with the others."""
    world = World(tmp_path, f"{s3_root}/{tmp_path.name}")
    world.settle()
    with world.entered(), without_orchestrator():
        yield world


def fitting() -> Callable[[], Any]:
    """A worker fits."""
    samples = markov_samples(users=120, items=60, predictability=0.3, protocol="next_day", day=DAY)
    facts = {"digest": samples.digest, **dict.fromkeys(Learned.model_fields, 1)}
    order = Order(run=a_run(), samples=store("samples", samples.save, **facts), kind="popularity")
    return lambda: train_model.fn(order)


def answering() -> Callable[[], Any]:
    """A worker makes lists."""
    samples = markov_samples(users=120, items=60, predictability=0.3, protocol="next_day", day=DAY)
    log = store("extract", lambda folder: Catalogue.empty().save(folder / "catalogue"))
    everything = store("samples", samples.save, log=log.prefix, digest=samples.digest, users=120)
    release = Release(RepeatConfig(), Repeat(len(samples.items)), samples.items, samples.users)
    ref = in_office(store("train", release.save))
    shard = Shard(run=a_run(), everything=everything, ref=ref, first=0, stop=50)
    return lambda: answer.fn(shard)


@pytest.mark.parametrize("work", [fitting, answering], ids=lambda work: work.__name__)
def test_a_run_outlives_its_worker_and_keeps_no_copy_of_what_is_gone(
    remote: World, work: Callable[[], Callable[[], Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begin = work()
    gone = store("quarantine", lambda folder: (folder / "users.txt").write_text("anna"))
    manifest = find(settings().storage, gone.prefix)
    assert manifest is not None
    copy = materialise(settings().storage, manifest, settings().work / "cache")
    settings().storage.delete(f"{gone.prefix}/manifest.json")
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(Console, "on_broken_pipe", Console.on_broken_pipe)
    begin()
    assert not copy.exists()
    assert Console.on_broken_pipe is _drop_output
    assert isinstance(sys.stdout, _Lasting)
