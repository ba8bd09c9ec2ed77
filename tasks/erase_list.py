"""Who asked to be forgotten."""

from tasks.settings import settings


def erase_list(market: str) -> frozenset[str]:
    """Every user id on the market's erase lists."""
    storage = settings().raw_storage
    files = storage.keys(f"erase/market={market}")
    lines = (line.strip() for e in files for line in storage.read(e.key).decode("utf-8").splitlines())
    return frozenset(line for line in lines if line)
