"""A prefix of an S3 bucket as a storage: Amazon's or any server that speaks S3.

boto3 finds endpoint, keys, region and the number of tries where it always does (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_MAX_ATTEMPTS, …).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from hm_pipeline.errors import NotThereError, StorageError
from hm_pipeline.storage.location import Entry, checked, is_hidden

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_ABSENT = ("NoSuchKey", "404")
_CHANGED = ("PreconditionFailed", "412")
_CLASH = ("ConditionalRequestConflict", "409")  # two conditional writes at once: S3 wants it sent again
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role that boto3 finds"
_REMEDIES = {
    "NoSuchBucket": "make the bucket first, or correct its name",
    "AccessDenied": f"give these keys the right to list, read, write and delete there, or {_KEYS}",
    "403": f"give these keys the right to list, read, write and delete there, or {_KEYS}",
    "InvalidAccessKeyId": f"the server does not know this key: {_KEYS}",
    "SignatureDoesNotMatch": f"the secret does not fit the key: {_KEYS}",
}


class Bucket:
    """Keys are objects below a prefix of a bucket; nothing is asked of the server before the first use."""

    def __init__(self, uri: str) -> None:
        self.bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self.prefix = prefix.strip("/")
        if not self.bucket:
            raise StorageError(f"{uri}: no bucket is named; use s3://bucket/prefix")
        if "@" in self.bucket:
            raise StorageError(f"{uri}: no bucket is called so; use s3://bucket/prefix, and {_KEYS}")
        with self._told(""):
            self.client: S3Client = boto3.session.Session().client("s3", config=_config())

    @property
    def uri(self) -> str:
        """`s3://bucket/prefix`, without a slash at the end."""
        return "/".join(part for part in (f"s3://{self.bucket}", self.prefix) if part)

    def keys(self, prefix: str = "") -> list[Entry]:
        """See Storage."""
        below = "".join(f"{part}/" for part in (self.prefix, prefix and checked(prefix)) if part)
        with self._told(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=below)
            objects = [found for page in pages for found in page.get("Contents", [])]
        start = len(self.prefix) + 1 if self.prefix else 0
        entries = (Entry(o["Key"][start:], o["Size"], o["ETag"].strip('"')) for o in objects)
        return sorted((e for e in entries if not is_hidden(e.key)), key=lambda entry: entry.key)

    def read(self, key: str) -> bytes:
        """See Storage."""
        return self.read_versioned(key)[0]

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        """See Storage; the version is the etag."""
        with self._told(key):
            found = self.client.get_object(Bucket=self.bucket, Key=self._name(key))
            return found["Body"].read(), found["ETag"].strip('"')

    def write(self, key: str, data: bytes) -> None:
        """See Storage."""
        with self._told(key):
            self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=data)

    def create(self, key: str, data: bytes) -> bool:
        """See Storage."""
        return self._write_if(key, data, IfNoneMatch="*")

    def replace(self, key: str, data: bytes, version: str | None) -> bool:
        """See Storage."""
        if version is None:
            return self.create(key, data)
        return self._write_if(key, data, IfMatch=f'"{version}"')

    def delete(self, key: str) -> None:
        """See Storage."""
        with self._told(key):
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def upload(self, file: Path, key: str) -> None:
        """See Storage; large files go in parts, and appear when the last has arrived."""
        with self._told(key):
            self.client.upload_file(str(file), self.bucket, self._name(key))

    def fetch(self, key: str, to: Path) -> Path:
        """See Storage; `to` appears when the whole file is there."""
        part = to.with_name(f".{uuid4().hex}.part")
        with self._told(key):
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.client.download_file(self.bucket, self._name(key), str(part))
                return part.replace(to)
            finally:
                part.unlink(missing_ok=True)

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{checked(key)}" if self.prefix else checked(key)

    def _write_if(self, key: str, data: bytes, **condition: Any) -> bool:
        """A conditional write; False where the condition does not hold."""
        with self._told(key):
            for _ in range(10):
                try:
                    self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=data, **condition)
                    return True
                except ClientError as error:
                    if _code(error) in _CLASH:
                        continue
                    if _code(error) in (*_CHANGED, *_ABSENT):
                        return self._was_ours(error, key, data)
                    raise
        raise StorageError(f"{self.uri}/{key}: ten writers in a row got in between; run again")

    def _was_ours(self, error: ClientError, key: str, data: bytes) -> bool:
        """Whether our own first try is what a repeated one found: its answer was lost on the way."""
        if not error.response["ResponseMetadata"].get("RetryAttempts"):
            return False
        try:
            return self.read(key) == data
        except NotThereError:
            return False

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Failures of the server, the network or the local disk as StorageError."""
        where = f"{self.uri}/{key}" if key else self.uri
        try:
            yield
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise NotThereError(
                    f"{where}: no such object; check the root and the key, or write it first"
                ) from None
            raise StorageError(f"{where}: {error}; {_REMEDIES.get(_code(error), 'run again')}") from None
        except (BotoCoreError, Boto3Error, ValueError) as error:
            raise StorageError(f"{where}: {error}; {self._remedy(error)}") from None
        except OSError as error:
            local = f"{error.strerror or error} ({error.filename})"
            raise StorageError(f"{where}: {local}; check the local path and the space there") from None

    def _remedy(self, error: Exception) -> str:
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return _KEYS
        if isinstance(error, EndpointConnectionError | HTTPClientError):
            endpoint = self.client.meta.endpoint_url
            return f"is a server running at {endpoint}? AWS_ENDPOINT_URL chooses it (unset: Amazon's)"
        return "check the AWS_* settings (endpoint, keys, region) and run again"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _config() -> Config:
    """One for each client: botocore writes into it what the environment says of retries."""
    return Config(retries={"mode": "standard"}, connect_timeout=10, read_timeout=60)
