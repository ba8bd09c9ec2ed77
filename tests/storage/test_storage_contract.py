"""What every storage promises, on a folder and on a real S3 server."""

import subprocess
import sys
from pathlib import Path

import pytest

from hm_pipeline.errors import ConflictError, DamagedError, NotThereError, StorageError
from hm_pipeline.storage import Entry, Pointer, Storage, look, move, open_storage


def test_what_was_written_is_read_and_listed(storage: Storage):
    storage.write("market=SE/date=2021-06-01/a b+ö.csv", b"one")
    storage.write("market=SE/date=2021-06-01/a b+ö.csv", b"three")
    storage.write("market=SE/b", b"")

    listed = storage.keys()

    assert storage.read("market=SE/date=2021-06-01/a b+ö.csv") == b"three"
    assert [(entry.key, entry.size) for entry in listed] == [
        ("market=SE/b", 0),
        ("market=SE/date=2021-06-01/a b+ö.csv", 5),
    ]
    assert all(isinstance(entry, Entry) and entry.version for entry in listed)


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(storage: Storage):
    for key in ("se/1/x", "se/1/y/z", "se/12/x", "se2/x"):
        storage.write(key, b"")

    assert [entry.key for entry in storage.keys("se/1")] == ["se/1/x", "se/1/y/z"]
    assert [entry.key for entry in storage.keys("se")] == ["se/1/x", "se/1/y/z", "se/12/x"]
    assert storage.keys("nowhere") == []


def test_a_root_that_does_not_exist_yet_is_empty(storage: Storage):
    assert storage.keys() == []


def test_more_keys_than_one_page_are_listed_in_order(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    for number in range(12):
        storage.write(f"k/{number:02}", b"")
    if client := getattr(storage, "client", None):
        client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 5}
        )

    assert [entry.key for entry in storage.keys("k")] == [f"k/{number:02}" for number in range(12)]


def test_the_listed_version_changes_with_the_content(storage: Storage):
    storage.write("a", b"1")
    before = storage.keys()[0].version
    storage.write("a", b"22")

    assert storage.keys()[0].version != before


@pytest.mark.parametrize("missing", ["nothing", "no/folder/either", "a/below-a-file"])
def test_a_missing_key_is_told_by_name(storage: Storage, tmp_path: Path, missing: str):
    storage.write("a", b"1")

    for ask in (storage.read, storage.read_versioned, lambda key: storage.fetch(key, tmp_path / "to")):
        with pytest.raises(NotThereError, match=missing) as told:
            ask(missing)
        assert storage.uri in str(told.value)
    assert not (tmp_path / "to").exists()


def test_deleting_takes_it_away_and_what_is_missing_is_no_error(storage: Storage):
    storage.write("a/b/c", b"1")
    storage.write("a/d", b"1")

    storage.delete("a/b/c")
    storage.delete("a/b/c")
    storage.delete("never/was")

    listed = storage.keys()
    assert [entry.key for entry in listed] == ["a/d"]


@pytest.mark.parametrize("size", [0, 9 << 20])
def test_a_file_of_any_size_goes_up_and_comes_back(storage: Storage, tmp_path: Path, size: int):
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * (size // 256))

    storage.upload(file, "big/file")
    local = storage.fetch("big/file", tmp_path / "cache" / "deep" / "file")

    assert local.read_bytes() == file.read_bytes()
    assert storage.keys("big")[0].size == size


def test_a_local_file_that_is_not_there_cannot_go_up(storage: Storage, tmp_path: Path):
    with pytest.raises(StorageError, match="no-such-file"):
        storage.upload(tmp_path / "no-such-file", "a")
    assert storage.keys() == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../../b", "a/./b", ".lock", "a/.x.part", "a\\b", "a\nb"]
)
def test_a_key_that_leaves_the_root_or_means_two_things_is_refused(
    storage: Storage, key: str, tmp_path: Path
):
    for act in (
        storage.read,
        storage.delete,
        lambda key: storage.write(key, b""),
        lambda key: storage.create(key, b""),
        lambda key: storage.replace(key, b"", "v"),
        lambda key: storage.upload(tmp_path, key),
        lambda key: storage.fetch(key, tmp_path / "x"),
    ):
        with pytest.raises(StorageError, match="is no key"):
            act(key)


def test_only_the_first_creates(storage: Storage):
    assert storage.create("a/b", b"first")
    assert not storage.create("a/b", b"second")
    assert storage.read("a/b") == b"first"


def test_of_racing_creators_one_wins(storage: Storage, together):
    won = together(8, lambda racer: storage.create("lock", str(racer).encode()))

    assert won.count(True) == 1
    assert storage.read("lock") == str(won.index(True)).encode()
    listed = storage.keys()
    assert [entry.key for entry in listed] == ["lock"]


def test_a_replacement_holds_only_for_the_version_that_was_seen(storage: Storage):
    assert not storage.replace("p", b"x", "some-version")
    assert storage.replace("p", b"1", None)
    assert not storage.replace("p", b"x", None)
    _, seen = storage.read_versioned("p")
    assert storage.replace("p", b"2", seen)
    assert not storage.replace("p", b"3", seen)
    assert storage.read("p") == b"2"


def test_two_quick_writes_of_one_size_are_two_versions(storage: Storage):
    storage.write("p", b"1")
    _, seen = storage.read_versioned("p")
    storage.write("p", b"2")

    assert not storage.replace("p", b"3", seen)


def test_of_racing_replacements_of_one_version_one_holds(storage: Storage, together):
    storage.write("p", b"old")
    _, seen = storage.read_versioned("p")

    held = together(8, lambda racer: storage.replace("p", str(racer).encode(), seen))

    assert held.count(True) == 1
    assert storage.read("p") == str(held.index(True)).encode()


COUNT = """
import sys
from hm_pipeline.errors import ConflictError
from hm_pipeline.storage import look, move, open_storage
storage, me = open_storage(sys.argv[1]), sys.argv[2]
won = sum(storage.create(f"locks/{n}", me.encode()) for n in range(10))
counted = 0
while counted < 10:
    seen = look(storage, "counter")
    try:
        move(storage, seen, {"n": (seen.value or {"n": 0})["n"] + 1})
        counted += 1
    except ConflictError:
        pass
print(won)
"""


def test_processes_that_race_lose_no_update_and_win_each_lock_once(storage: Storage):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT, storage.uri, str(n)], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    won = [int(racer.communicate(timeout=120)[0]) for racer in racers]

    assert sum(won) == 10
    assert look(storage, "counter").value == {"n": 40}


def test_a_pointer_moves_only_from_where_it_was_seen(storage: Storage):
    never = look(storage, "se/latest.json")
    assert never == Pointer("se/latest.json", None, None)
    move(storage, never, {"day": "2021-06-01"})
    first = look(storage, "se/latest.json")
    move(storage, first, {"day": "2021-06-02"})

    for stale in (never, first):
        with pytest.raises(ConflictError, match=r"se/latest\.json"):
            move(storage, stale, {"day": "2021-06-03"})
    assert look(storage, "se/latest.json").value == {"day": "2021-06-02"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_pointer_that_is_no_json_object_is_told(storage: Storage, content: bytes):
    storage.write("latest.json", content)
    with pytest.raises(DamagedError, match=r"latest\.json"):
        look(storage, "latest.json")


def test_a_storage_opens_again_by_its_uri(storage: Storage):
    storage.write("a", b"1")
    assert open_storage(storage.uri).read("a") == b"1"
