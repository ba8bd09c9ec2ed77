"""From a uri to the storage that it names."""

from pathlib import Path

from hm_pipeline.errors import StorageError
from hm_pipeline.storage.folder import Folder
from hm_pipeline.storage.location import Storage


def open_storage(uri: str) -> Storage:
    """`s3://bucket/prefix` is a bucket; everything else is a folder. Nothing is touched yet."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Folder(Path(uri))
    if scheme == "s3":
        from hm_pipeline.storage.bucket import Bucket  # noqa: PLC0415  boto3 only where there is a bucket

        return Bucket(uri)
    if scheme == "file":
        return Folder(Path("/" + rest.lstrip("/")))
    raise StorageError(f"{uri}: {scheme}:// is not supported; use a path or s3://bucket/prefix")
