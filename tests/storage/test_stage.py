"""Folders that appear whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hm_pipeline.errors import ConflictError, DamagedError, NotThereError, StorageError
from hm_pipeline.storage import Storage, find, materialise, open_storage, publish, rewrite, sweep

FILES = {"items.bin": b"items", "model/weights": b"\x00" * 1000, "model/empty": b""}


class Failing:
    """A storage whose named method fails from its n-th call on; all else is the real one's."""

    def __init__(self, real: Storage, method: str, after: int = 0) -> None:
        self.real, self.method, self.left = real, method, after

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self.method else getattr(self.real, name)

    def _fail(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise StorageError("the network is down")
        return getattr(self.real, self.method)(*arguments)


def content(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_folder_is_published_found_and_materialised(storage: Storage, made, tmp_path: Path):
    assert find(storage, "se/samples") is None

    manifest = publish(storage, "se/samples", made(FILES), {"rows": 3, "tags": ["a"]})

    assert find(storage, "se/samples") == manifest
    assert manifest.facts == {"rows": 3, "tags": ["a"]}
    assert [(file.name, file.size) for file in manifest.files] == [
        ("items.bin", 5),
        ("model/empty", 0),
        ("model/weights", 1000),
    ]
    assert content(materialise(storage, manifest, tmp_path / "cache")) == FILES


def test_a_second_publisher_gets_what_is_there_and_uploads_nothing(storage: Storage, made):
    first = publish(storage, "p", made(FILES), {"by": 1})
    before = storage.keys()

    assert publish(storage, "p", made({"other": b""}), {"by": 2}) == first
    assert storage.keys() == before


def test_of_six_racing_publishers_one_wins_and_five_reuse(storage: Storage, made, together, tmp_path: Path):
    folders = [made({"who": str(n).encode(), "same": b"same"}) for n in range(6)]

    manifests = together(6, lambda n: publish(storage, "p", folders[n], {"who": n}))

    winner = manifests[0]
    assert manifests == [winner] * 6
    assert find(storage, "p") == winner
    assert content(materialise(storage, winner, tmp_path))["who"] == str(winner.facts["who"]).encode()
    assert len(storage.keys("p")) == 3, "the losers' files are gone"


DIES = """
import os, signal, sys
from pathlib import Path
from hm_pipeline.storage import open_storage, publish
storage = open_storage(sys.argv[1])
storage.create = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
publish(storage, "p", Path(sys.argv[2]), {})
"""


def test_a_publisher_killed_before_its_manifest_shows_nothing_and_the_next_clears_up(storage: Storage, made):
    killed = subprocess.run([sys.executable, "-c", DIES, storage.uri, str(made(FILES))], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert len(storage.keys("p")) == 3, "it died after its files"
    assert find(storage, "p") is None
    manifest = publish(storage, "p", made(FILES), {})
    assert find(storage, "p") == manifest
    assert len(storage.keys("p")) == 4, "three files, one manifest, nothing of the dead"


def test_a_publisher_whose_upload_fails_leaves_nothing(storage: Storage, made):
    with pytest.raises(StorageError, match="the network is down"):
        publish(Failing(storage, "upload", after=2), "p", made(FILES), {})

    assert storage.keys() == []


def test_facts_that_are_no_json_are_refused_before_anything_travels(storage: Storage, made):
    with pytest.raises(ValueError, match="JSON"):
        publish(storage, "p", made(FILES), {"loss": float("nan")})
    assert storage.keys() == []


def test_a_folder_that_is_not_there_or_holds_hidden_files_is_not_published(storage: Storage, made, tmp_path):
    with pytest.raises(StorageError, match="no such folder"):
        publish(storage, "p", tmp_path / "nowhere", {})
    with pytest.raises(StorageError, match="is no key"):
        publish(storage, "p", made({".hidden": b""}), {})


@pytest.mark.parametrize("damage", [b"item", b"", b"items and more"])
def test_a_truncated_file_under_a_manifest_is_noticed(storage: Storage, made, tmp_path: Path, damage: bytes):
    manifest = publish(storage, "p", made(FILES), {})
    storage.write(f"{manifest.folder}/items.bin", damage)

    with pytest.raises(DamagedError, match=rf"items\.bin: it has {len(damage)} bytes where 5"):
        materialise(storage, manifest, tmp_path / "cache")


def test_a_missing_file_under_a_manifest_is_noticed(storage: Storage, made, tmp_path: Path):
    manifest = publish(storage, "p", made(FILES), {})
    storage.delete(f"{manifest.folder}/model/weights")

    with pytest.raises(DamagedError, match="model/weights: it is gone") as told:
        materialise(storage, manifest, tmp_path / "cache")
    assert not isinstance(told.value, NotThereError)


def test_a_reader_overtaken_by_a_rewrite_is_told_to_read_again(storage: Storage, made, tmp_path: Path):
    read = publish(storage, "p", made(FILES), {})
    rewrite(storage, read, made({"items.bin": b"fewer"}), {})
    with pytest.raises(ConflictError, match=r"p was rewritten while it was read: run again"):
        materialise(storage, read, tmp_path / "cache")


@pytest.mark.services
def test_changed_content_of_the_same_size_is_noticed_in_a_download(s3_root: str, made, tmp_path: Path):
    storage = open_storage(f"{s3_root}/changed")
    manifest = publish(storage, "p", made(FILES), {})
    storage.write(f"{manifest.folder}/items.bin", b"ITEMS")

    with pytest.raises(DamagedError, match="sha256"):
        materialise(storage, manifest, tmp_path / "cache")


@pytest.mark.services
def test_a_damaged_cache_is_fetched_again_and_a_whole_one_is_not(s3_root: str, made, tmp_path: Path):
    storage = open_storage(f"{s3_root}/cached")
    manifest = publish(storage, "p", made(FILES), {})
    local = materialise(storage, manifest, tmp_path / "cache")
    (local / "items.bin").write_bytes(b"ITEMS")

    assert content(materialise(storage, manifest, tmp_path / "cache")) == FILES
    assert materialise(Failing(storage, "fetch"), manifest, tmp_path / "cache") == local


@pytest.mark.parametrize("content", [b"", b"{}", b'{"prefix": 1', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_told(storage: Storage, content: bytes):
    storage.write("p/manifest.json", content)
    with pytest.raises(DamagedError, match=r"p/manifest\.json.*no manifest"):
        find(storage, "p")


def test_a_rewrite_takes_the_old_files_away(storage: Storage, made, tmp_path: Path):
    old = publish(storage, "p", made(FILES), {"users": 2})

    new = rewrite(storage, old, made({"items.bin": b"fewer"}), {"users": 1})

    assert find(storage, "p") == new
    assert new.facts == {"users": 1}
    assert content(materialise(storage, new, tmp_path / "cache")) == {"items.bin": b"fewer"}
    assert [e.key for e in storage.keys("p")] == [f"{new.folder}/items.bin", "p/manifest.json"]


def test_a_rewrite_of_what_was_rewritten_meanwhile_is_refused_and_changes_nothing(storage: Storage, made):
    old = publish(storage, "p", made(FILES), {})
    new = rewrite(storage, old, made({"a": b"1"}), {})

    with pytest.raises(ConflictError):
        rewrite(storage, old, made({"a": b"2"}), {})
    assert find(storage, "p") == new
    assert len(storage.keys("p")) == 2


def test_of_racing_rewrites_one_holds(storage: Storage, made, together, tmp_path: Path):
    old = publish(storage, "p", made(FILES), {})
    folders = [made({"who": str(n).encode()}) for n in range(4)]

    def attempt(n: int) -> int:
        try:
            return rewrite(storage, old, folders[n], {"who": n}).facts["who"]
        except ConflictError:
            return -1

    outcomes = together(4, attempt)

    manifest = find(storage, "p")
    assert sorted(outcomes) == [-1, -1, -1, manifest.facts["who"]]
    assert content(materialise(storage, manifest, tmp_path)) == {"who": str(manifest.facts["who"]).encode()}


def test_what_a_rewrite_killed_before_its_clearing_left_is_swept(storage: Storage, made):
    old = publish(storage, "p", made(FILES), {})
    with pytest.raises(StorageError, match="the network is down"):
        rewrite(Failing(storage, "delete"), old, made({"a": b"1"}), {})
    new = find(storage, "p")

    assert new.attempt != old.attempt
    assert sweep(storage, new) == 3
    assert sweep(storage, new) == 0
    assert [e.key for e in storage.keys("p")] == [f"{new.folder}/a", "p/manifest.json"]
