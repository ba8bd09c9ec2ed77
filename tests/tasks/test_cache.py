"""What a worker keeps on its disk, once the original was erased elsewhere."""

from pathlib import Path

import pytest
from embedded import World

from hm_pipeline.storage import find, materialise, publish, rewrite
from tasks.cache import tidy
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
