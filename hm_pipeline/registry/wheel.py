"""Our own package as a wheel, so that a registered model carries the code that reads it.

The same files give the same bytes: sorted names, a fixed date, and a version that says which code it is.
"""

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import hm_pipeline

PACKAGE = "hm_pipeline"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip file can say


def build_wheel(folder: Path) -> Path:
    """Write `hm_pipeline-{version}+{digest of the code}-py3-none-any.whl` into the folder.

    It names no requirements: what a served model needs stands in the model's own list, and the whole
    of the project's (orchestrator, importers) is not among it.
    """
    code = dict(sorted(_files(files(PACKAGE), PACKAGE)))
    version = f"{hm_pipeline.__version__}+{_digest(code)}"
    info = f"{PACKAGE}-{version}.dist-info"
    content = {**code, f"{info}/METADATA": _metadata(version), f"{info}/WHEEL": _WHEEL}
    content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
    wheel = folder / f"{PACKAGE}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(_entry(name), data)
    return wheel


_WHEEL = b"Wheel-Version: 1.0\nGenerator: hm-pipeline\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _files(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """(name inside the wheel, content) of each source file, also where the package lies in a wheel itself."""
    for child in folder.iterdir():
        path = f"{name}/{child.name}"
        if child.is_dir() and child.name != "__pycache__":
            yield from _files(child, path)
        elif child.name.endswith((".py", ".toml")) or child.name == "py.typed":
            yield path, child.read_bytes()


def _digest(code: Mapping[str, bytes]) -> str:
    content = hashlib.sha256()
    for name, data in code.items():
        content.update(name.encode() + b"\x00" + data + b"\x00")
    return content.hexdigest()[:12]


def _metadata(version: str) -> bytes:
    lines = ["Metadata-Version: 2.1", "Name: hm-pipeline", f"Version: {version}", "Requires-Python: >=3.11"]
    return "\n".join([*lines, ""]).encode()


def _record(content: Mapping[str, bytes], own: str) -> bytes:
    """One line a file: name, hash, size (PEP 376); its own line is empty."""
    lines = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in content.items()]
    return "\n".join([*lines, f"{own},,", ""]).encode()


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
