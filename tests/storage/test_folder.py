"""What is a folder's own: the disk may be full, read-only, or hold other things."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hm_pipeline.errors import DamagedError, StorageError
from hm_pipeline.storage import materialise, open_storage, publish
from hm_pipeline.storage.folder import Folder


def test_a_write_that_finds_no_room_is_told_and_shows_nothing(tmp_path: Path):
    (tmp_path / "big").write_bytes(b"x" * (2 << 20))
    folder = Folder(tmp_path / "root")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(StorageError, match=r"root/a/big: File too large.*limit"):
            folder.upload(tmp_path / "big", "a/big")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert folder.keys() == []
    assert not list((tmp_path / "root" / ".parts").iterdir()), "no half file is left to fill the disk"


@pytest.mark.parametrize("root", ["/proc/hm", "{tmp}/file/below"])
def test_a_root_that_cannot_be_written_is_told(tmp_path: Path, root: str):
    (tmp_path / "file").touch()
    folder = open_storage(root.format(tmp=tmp_path))

    for act in (lambda: folder.write("a", b""), lambda: folder.create("a", b"")):
        with pytest.raises(StorageError, match=folder.uri):
            act()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_told(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="right to read and write"):
        Folder(tmp_path).write("a", b"")


def test_hidden_files_are_never_listed(tmp_path: Path):
    folder = Folder(tmp_path)
    folder.write("a/b", b"1")
    (tmp_path / "a" / ".DS_Store").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()

    listed = folder.keys()
    assert [entry.key for entry in listed] == ["a/b"]


DIES = """
import os, signal, sys
from pathlib import Path
from hm_pipeline.storage.folder import Folder
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
Folder(Path(sys.argv[1])).write("users", b"personal data")
"""


def test_what_a_killed_writer_left_is_unseen_and_goes_with_the_next_write(tmp_path: Path):
    folder = Folder(tmp_path)
    killed = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / ".parts").iterdir())) == 1, "it died after its bytes"
    assert folder.keys() == []
    folder.write("other", b"")
    assert not list((tmp_path / ".parts").iterdir())


def test_the_half_file_of_a_living_writer_stays(tmp_path: Path):
    folder = Folder(tmp_path)
    with folder._part() as (part, _):
        folder.write("other", b"")
        assert part.exists()


def test_a_fetched_file_is_the_stored_one_and_nothing_is_copied(tmp_path: Path):
    folder = Folder(tmp_path / "root")
    folder.write("a", b"1")

    assert folder.fetch("a", tmp_path / "copy") == tmp_path / "root" / "a"
    assert not (tmp_path / "copy").exists()


def test_a_published_folder_is_read_in_place(tmp_path: Path, made):
    folder = Folder(tmp_path / "root")
    manifest = publish(folder, "p", made({"deep/er/file": b"1", "top": b"2"}), {})

    assert materialise(folder, manifest, tmp_path / "cache") == tmp_path / "root" / manifest.folder
    assert not (tmp_path / "cache").exists()


def test_a_damaged_stored_file_is_told_and_left_where_it_is(tmp_path: Path, made):
    folder = Folder(tmp_path / "root")
    manifest = publish(folder, "p", made({"a": b"1", "b": b"2"}), {})
    (tmp_path / "root" / manifest.folder / "b").write_bytes(b"longer")

    with pytest.raises(DamagedError):
        materialise(folder, manifest, tmp_path / "root")
    assert (tmp_path / "root" / manifest.folder / "b").exists()


def test_folders_left_empty_go_with_their_last_file(tmp_path: Path):
    folder = Folder(tmp_path / "root")
    folder.write("a/b/c", b"")
    folder.delete("a/b/c")

    assert not (tmp_path / "root" / "a").exists()
    assert (tmp_path / "root").exists()


def test_writers_and_deleters_of_one_folder_do_not_trip_each_other(tmp_path: Path, together):
    folder = Folder(tmp_path)

    def churn(n: int) -> None:
        for _ in range(30):
            folder.write(f"deep/er/{n}", b"")
            folder.delete(f"deep/er/{n}")

    together(6, churn)
    assert folder.keys() == []


def test_a_file_uri_and_a_plain_path_are_the_same_folder(tmp_path: Path):
    assert open_storage(f"file://{tmp_path}").uri == open_storage(str(tmp_path)).uri == str(tmp_path)


def test_another_scheme_is_refused():
    with pytest.raises(StorageError, match=r"gs://bucket.*s3://"):
        open_storage("gs://bucket/x")
