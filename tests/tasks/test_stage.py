"""A stage's result is computed once, and found by everything that made it."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from embedded import World

from hm_pipeline.config import load
from hm_pipeline.errors import NotThereError
from hm_pipeline.progress import Step
from hm_pipeline.storage import find, rewrite
from tasks import stage
from tasks.code import code_digest
from tasks.progress import listening, tell, under
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    world = World(tmp_path)
    world.settle()
    with world.entered():
        yield Run(config=load(settings().config, "tiny"), day=date(2021, 6, 9), inputs="abc")


def once(log: list[str], text: str = "x") -> Any:
    def produce(folder: Path) -> dict[str, Any]:
        log.append(text)
        (folder / "file.txt").write_text(text)
        return {"length": len(text)}

    return produce


def test_the_same_inputs_are_computed_once(run: Run):
    calls: list[str] = []
    first = kept(run, "samples", ["a"], ("data",), once(calls))
    again = kept(run, "samples", ["a"], ("data",), once(calls))
    assert calls == ["x"]
    assert (first.prefix, first.facts) == (again.prefix, again.facts)
    assert (first.reused, again.reused) == (False, True)
    assert (again.folder() / "file.txt").read_text() == "x"


def test_a_reader_that_an_erasure_overtakes_reads_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    made = kept(run, "samples", ["a"], ("data",), once([]))
    old = find(settings().storage, made.prefix)
    assert old is not None
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file.txt").write_text("fewer")
    rewrite(settings().storage, old, tmp_path / "new", {})
    found = [old]
    monkeypatch.setattr(stage, "find", lambda *of: found.pop() if found else find(*of))
    assert (made.folder() / "file.txt").read_text() == "fewer"


def test_changed_inputs_lie_beside_and_never_over(run: Run):
    calls: list[str] = []
    old = kept(run, "samples", ["a"], ("data",), once(calls, "old"))
    new = kept(run, "samples", ["b"], ("data",), once(calls, "new"))
    assert old.prefix != new.prefix
    assert (old.folder() / "file.txt").read_text() == "old"


def test_a_stage_that_fails_leaves_nothing_to_be_found(run: Run):
    def produce(folder: Path) -> dict[str, Any]:
        (folder / "half.txt").write_text("half")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        kept(run, "samples", ["a"], ("data",), produce)
    assert kept(run, "samples", ["a"], ("data",), once([])).reused is False


def test_what_was_never_stored_is_named(run: Run):
    with pytest.raises(NotThereError, match="tiny/2021-06-09/samples/nowhere"):
        Stored[Any](prefix="tiny/2021-06-09/samples/nowhere").folder()


def test_other_code_has_another_address():
    assert code_digest("data") == code_digest("data")
    assert code_digest("data") != code_digest("data", "models")


def test_a_run_has_one_digest_and_every_part_of_it_counts(run: Run):
    same = Run.model_validate_json(run.model_dump_json())
    other_day = run.model_copy(update={"day": date(2021, 6, 10)})
    other_data = run.model_copy(update={"inputs": "abd"})
    other_seed = run.config.samples.model_copy(update={"seed": 7})
    other_config = run.model_copy(update={"config": run.config.model_copy(update={"samples": other_seed})})
    assert same.digest == run.digest
    assert len({r.digest for r in (run, other_day, other_data, other_config)}) == 4


def test_steps_reach_whoever_listens_under_the_name_of_the_stage():
    heard: list[Step] = []
    with listening(heard.append):
        under("train lstm")(Step("epoch", 1, 2))
    tell(Step("nobody", 1, 1))
    assert heard == [Step("train lstm", 1, 2)]


GIVEN_BACK = """
from tasks.measure import measured
with measured() as small:
    pass
with measured() as big:
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block
print(small.peak_mb, big.peak_mb, big.seconds)
"""


def test_a_measurement_sees_memory_that_was_given_back():
    """In a process of its own: other threads of this one take and give back memory, too."""
    told = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True
    ).stdout
    small_mb, big_mb, seconds = map(float, told.split())
    assert big_mb > small_mb + 150
    assert seconds > 0
