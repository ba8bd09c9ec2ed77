"""Who asked to be forgotten."""

from hm_pipeline.errors import UnreadableFileError
from hm_pipeline.storage import Storage
from tasks.settings import settings


def erase_list(market: str) -> frozenset[str]:
    """Every user id on the erase lists: each line as it stands, and without the white space around it."""
    storage = settings().raw_storage
    files = storage.keys(f"erase/market={market}")
    lines = {line for e in files for line in _text(storage, e.key).splitlines() if line.strip()}
    return frozenset(lines | {line.strip() for line in lines})


def _text(storage: Storage, key: str) -> str:
    try:
        return storage.read(key).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{storage.uri}/{key} is not UTF-8 (byte {error.start}): save it so; until "
            "then nobody on it is erased"
        ) from None
