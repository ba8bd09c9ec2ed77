"""What is a bucket's own: keys, endpoints, and answers that get lost."""

import socket
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from hm_pipeline.errors import StorageError
from hm_pipeline.storage import find, open_storage, publish
from hm_pipeline.storage.bucket import Bucket


class LosesAnswers:
    """Sends each request to the real server; the first answers to writes of a key never come back."""

    def __init__(self, real: Any, key: str, times: int = 1) -> None:
        self.real, self.key, self.left = real, key, times

    def send(self, request: Any) -> Any:
        answer = self.real.send(request)
        if request.method == "PUT" and request.url.endswith(self.key) and self.left:
            self.left -= 1
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer


@pytest.fixture
def bucket(s3_root: str) -> Bucket:
    return Bucket(f"{s3_root}/{uuid4().hex}")


def lose_answers(bucket: Bucket, key: str) -> LosesAnswers:
    endpoint: Any = bucket.client._endpoint
    endpoint.http_session = LosesAnswers(endpoint.http_session, key)
    return endpoint.http_session


def test_a_creation_whose_answer_was_lost_is_still_ours(bucket: Bucket):
    losing = lose_answers(bucket, "lock")

    assert bucket.create("lock", b"mine")
    assert losing.left == 0
    assert not bucket.create("lock", b"mine")


def test_a_replacement_whose_answer_was_lost_is_still_ours(bucket: Bucket):
    bucket.write("p", b"1")
    _, seen = bucket.read_versioned("p")
    losing = lose_answers(bucket, "/p")

    assert bucket.replace("p", b"2", seen)
    assert losing.left == 0


def test_a_manifest_whose_answer_was_lost_keeps_its_files(bucket: Bucket, made):
    losing = lose_answers(bucket, "manifest.json")

    manifest = publish(bucket, "p", made({"a": b"1"}), {})

    assert losing.left == 0
    assert find(bucket, "p") == manifest
    assert len(bucket.keys()) == 2


def clashing(times: int) -> Any:
    """S3's answer to the first conditional writes while another one is under way."""

    def answer(**_: Any) -> None:
        nonlocal times
        times -= 1
        if times >= 0:
            error = {"Code": "ConditionalRequestConflict", "Message": "a conflicting operation occurred"}
            raise ClientError({"Error": error}, "PutObject")

    return answer


@pytest.mark.parametrize("exists", [False, True], ids=["create", "replace"])
def test_a_conditional_write_that_met_another_one_is_sent_again(bucket: Bucket, exists: bool):
    version = None
    if exists:
        bucket.write("p", b"1")
        _, version = bucket.read_versioned("p")
    bucket.client.meta.events.register("before-call.s3.PutObject", clashing(9))

    assert bucket.replace("p", b"2", version)
    assert bucket.read("p") == b"2"


def test_ten_clashes_in_a_row_are_told(bucket: Bucket):
    bucket.client.meta.events.register("before-call.s3.PutObject", clashing(10))
    with pytest.raises(StorageError, match="ten writers in a row"):
        bucket.create("p", b"1")


def test_folder_markers_of_other_tools_are_not_listed(bucket: Bucket):
    bucket.write("a/b", b"1")
    bucket.client.put_object(Bucket=bucket.bucket, Key=f"{bucket.prefix}/a/", Body=b"")

    listed = bucket.keys()
    assert [entry.key for entry in listed] == ["a/b"]


def test_a_bucket_that_does_not_exist_is_told(s3_root: str):
    for act in (lambda b: b.keys(), lambda b: b.read("a")):
        with pytest.raises(StorageError, match=r"s3://no-such-bucket/x.*make the bucket first"):
            act(Bucket("s3://no-such-bucket/x"))


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_wrong_key_is_told(s3_root: str, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "wrong")
    with pytest.raises(StorageError, match=r"s3://hm-tests/root/a: .*set AWS_ACCESS_KEY_ID"):
        Bucket(s3_root).read("a")


def test_no_credentials_at_all_are_told(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    for act in (lambda b: b.keys(), lambda b: b.write("a", b""), lambda b: b.create("a", b"")):
        with pytest.raises(StorageError, match=r"s3://bucket/x.*set AWS_ACCESS_KEY_ID") as told:
            act(Bucket("s3://bucket/x"))
        assert told.value.__suppress_context__, "no botocore trace follows"


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (tmp_path / "file").touch()

    for act in (
        lambda b: b.keys(),
        lambda b: b.read("a"),
        lambda b: b.create("a", b""),
        lambda b: b.delete("a"),
        lambda b: b.upload(tmp_path / "file", "a"),
        lambda b: b.fetch("a", tmp_path / "to"),
    ):
        with pytest.raises(StorageError, match=rf"s3://bucket/x.*{endpoint}.*AWS_ENDPOINT_URL"):
            act(Bucket("s3://bucket/x"))


@pytest.mark.parametrize("endpoint", ["localhost:8333", "not a url"])
def test_an_endpoint_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch, endpoint: str):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StorageError, match="s3://bucket/x"):
        open_storage("s3://bucket/x").keys()


@pytest.mark.parametrize("uri", ["s3://", "s3:///x"])
def test_a_uri_without_a_bucket_is_refused(uri: str):
    with pytest.raises(StorageError, match="no bucket"):
        open_storage(uri)


def test_slashes_around_a_prefix_do_not_matter(s3_root: str):
    assert Bucket("s3://b-b/x/y/").uri == "s3://b-b/x/y"
    assert Bucket("s3://b-b").uri == Bucket("s3://b-b/").uri == "s3://b-b"
