from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from hm_pipeline.storage import Storage, open_storage


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.services)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty root: each test runs on a folder and on a real S3 server."""
    if request.param == "folder":
        return open_storage(str(tmp_path / "root"))
    return open_storage(f"{request.getfixturevalue('s3_root')}/{uuid4().hex}")


@pytest.fixture
def together() -> Callable[[int, Callable[[int], Any]], list[Any]]:
    """Calls a function with 0 … n-1 in as many threads, all let go at once."""

    def race(n: int, call: Callable[[int], Any]) -> list[Any]:
        barrier = Barrier(n)

        def racer(index: int) -> Any:
            barrier.wait(30)
            return call(index)

        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(racer, range(n)))

    return race


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """A local folder with the files given: made({"items.bin": b"…"})."""

    def make(files: dict[str, bytes]) -> Path:
        folder = tmp_path / f"made-{uuid4().hex}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    return make
