"""What a worker keeps on its disk, once the original was erased elsewhere, or once nobody reads it any more."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import World

from hm_pipeline.storage import Storage, find, materialise, open_storage, publish, rewrite
from tasks import settings as environment
from tasks.cache import UNREAD_DAYS, tidy
from tasks.checkpoints import POINTER, Mirror
from tasks.settings import settings


@pytest.fixture
def bucket_world(tmp_path: Path, s3_root: str) -> World:
    return World(tmp_path, f"{s3_root}/{tmp_path.name}")


def stage(folder: Path, content: str, prefix: str) -> Path:
    """Published, and downloaded here."""
    folder.mkdir()
    (folder / "users.txt").write_text(content)
    return materialise(
        settings().storage, publish(settings().storage, prefix, folder, {}), settings().work / "cache"
    )


def test_copies_go_when_the_original_was_rewritten_or_deleted(bucket_world: World, tmp_path: Path) -> None:
    with bucket_world.entered():
        storage, day = settings().storage, "tiny/2021-06-09"
        kept = stage(tmp_path / "a", "anna", f"{day}/samples/aa")
        rewritten = stage(tmp_path / "b", "anna, bert", f"{day}/samples/bb")
        expired = stage(tmp_path / "c", "bert", f"{day}/samples/cc")
        (tmp_path / "b" / "users.txt").write_text("anna")
        manifest = find(storage, f"{day}/samples/bb")
        assert manifest is not None
        rewrite(storage, manifest, tmp_path / "b", {})
        storage.delete(f"{day}/samples/cc/manifest.json")
        tidy("tiny")
        assert [place.exists() for place in (kept, rewritten, expired)] == [True, False, False]


def test_checkpoints_go_when_their_copy_was_dropped(bucket_world: World) -> None:
    with bucket_world.entered():
        mirrors = [
            Mirror.of("tiny", "2021-06-09", Path("train-lstm", *name)) for name in (["e"], ["older", "f"])
        ]
        for mirror in mirrors:
            (mirror.folder / "step-1").mkdir(parents=True)
            (mirror.folder / "step-1" / "tensors.safetensors").write_bytes(b"1")
            (mirror.folder / POINTER).write_text('{"last": "step-1", "best": null}')
            mirror.keep()
        for entry in settings().storage.keys(mirrors[1].key):
            settings().storage.delete(entry.key)
        with mirrors[1].in_use():
            tidy("tiny")
            assert mirrors[1].folder.exists(), "whoever trains has not copied it yet"
        tidy("tiny")
        assert [mirror.folder.exists() for mirror in mirrors] == [True, False]


class Counted:
    """A storage that remembers what was asked of it; all else is the real one's."""

    def __init__(self, real: Storage) -> None:
        self.real, self.asked = real, list[str]()

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> Any:
            self.asked.append(name)
            return getattr(self.real, name)(*given)

        return call


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """What this process takes for a bucket."""
    counted = Counted(open_storage(str(tmp_path / "bucket")))
    monkeypatch.setattr(environment, "_opened", lambda _uri: counted)
    with World(tmp_path, "s3://elsewhere/root").entered():
        yield counted


def downloaded(storage: Counted, folder: Path, prefix: str, days_ago: float = 0) -> Path:
    """A copy of a new stage here, which was read last so many days ago."""
    folder.mkdir(parents=True)
    (folder / "users.txt").write_text("anna")
    copy = settings().work / "cache" / publish(storage.real, prefix, folder, {}).folder
    shutil.copytree(folder, copy)
    then = time.time() - days_ago * 86_400
    for path in (copy / "users.txt", copy):
        os.utime(path, (then, then))
    return copy


def test_copies_that_nobody_read_for_a_week_go_and_come_again(elsewhere: Counted, tmp_path: Path) -> None:
    old = downloaded(elsewhere, tmp_path / "a", "tiny/2021-06-01/samples/aa", UNREAD_DAYS + 1)
    used = downloaded(elsewhere, tmp_path / "b", "tiny/2021-06-01/model/bb", UNREAD_DAYS + 1)
    new = downloaded(elsewhere, tmp_path / "c", "tiny/2021-06-09/samples/cc", UNREAD_DAYS - 1)
    other = downloaded(elsewhere, tmp_path / "d", "other/2021-06-01/samples/dd", UNREAD_DAYS + 1)
    old_times = (used / "users.txt").stat()
    os.utime(used / "users.txt", (time.time(), old_times.st_mtime))  # as reading does
    tidy("tiny")
    assert [copy.exists() for copy in (old, used, new, other)] == [False, True, True, True]
    assert find(elsewhere.real, "tiny/2021-06-01/samples/aa") is not None, "the original stays"


def test_a_run_date_costs_one_request_however_many_copies_it_has(elsewhere: Counted, tmp_path: Path) -> None:
    copies = [
        downloaded(elsewhere, tmp_path / str(n), f"tiny/2021-06-0{8 + n % 2}/samples/{n}") for n in range(6)
    ]
    elsewhere.real.delete("tiny/2021-06-08/samples/0/manifest.json")
    elsewhere.asked.clear()
    tidy("tiny")
    assert [copy.exists() for copy in copies] == [False] + [True] * 5
    assert elsewhere.asked == ["keys", "keys"]


def test_a_copy_whose_original_was_rewritten_goes(elsewhere: Counted, tmp_path: Path) -> None:
    prefix = "tiny/2021-06-09/samples/aa"
    copy, manifest = downloaded(elsewhere, tmp_path / "a", prefix), find(elsewhere.real, prefix)
    assert manifest is not None
    rewrite(elsewhere.real, manifest, tmp_path / "a", {})
    tidy("tiny")
    assert not copy.exists()
