"""A folder or S3 behind one seam; a manifest is written last."""

from hm_pipeline.storage.location import Entry, Storage
from hm_pipeline.storage.opening import open_storage
from hm_pipeline.storage.pointer import Pointer, look, move
from hm_pipeline.storage.stage import FileRecord, Manifest, find, materialise, publish, rewrite, sweep

__all__ = [
    "Entry",
    "FileRecord",
    "Manifest",
    "Pointer",
    "Storage",
    "find",
    "look",
    "materialise",
    "move",
    "open_storage",
    "publish",
    "rewrite",
    "sweep",
]
