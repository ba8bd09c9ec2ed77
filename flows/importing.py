"""Other people's files into the raw layout, with a bar."""

from collections.abc import Callable
from pathlib import Path

from flows.display import console, live
from hm_pipeline.config import load
from hm_pipeline.data.importers.complete_journey import import_complete_journey
from hm_pipeline.data.importers.hm_kaggle import import_hm_kaggle
from hm_pipeline.data.importers.layout import Imported
from hm_pipeline.data.importers.table import import_table
from hm_pipeline.data.importers.uci_eshop import import_uci_eshop
from hm_pipeline.storage.folder import Folder
from tasks.progress import tell
from tasks.scratch import scratch
from tasks.settings import settings


def complete_journey(market: str) -> None:
    """The demo's log."""
    _import(market, lambda root: import_complete_journey(root, market, tell))


def hm_kaggle(folder: Path, market: str) -> None:
    """H&M's competition files."""
    _import(market, lambda root: import_hm_kaggle(folder, root, market, tell))


def uci_eshop(file: Path, market: str) -> None:
    """UCI's e-shop."""
    _import(market, lambda root: import_uci_eshop(file, root, market, tell))


def table(file: Path, market: str, articles: Path | None = None, users: Path | None = None) -> None:
    """Any table of interactions, as the market's TOML maps it."""
    config = load(settings().config, market).market
    _import(market, lambda root: import_table(file, root, config, tell, articles, users))


def _import(market: str, work: Callable[[Path], Imported]) -> None:
    """Straight into a folder; by way of this machine's scratch into a bucket."""
    raw = settings().raw_storage
    with live(f"import into {raw.uri}, market {market}"):
        if isinstance(raw, Folder):
            imported = work(Path(raw.uri))
        else:
            with scratch() as place:
                imported = work(place)
                for file in _plain_files(place):
                    raw.upload(file, file.relative_to(place).as_posix())
    counts = ", ".join(f"{n:,} {what}" for what, n in imported.counts.items())
    said = "imported" if imported.fresh else "already there"
    console.print(f"{said}: {counts}; {imported.first_day} to {imported.last_day}")


def _plain_files(place: Path) -> list[Path]:
    """What belongs into the raw layout; the importer's own marker stays behind."""
    files = (f for f in place.rglob("*") if f.is_file())
    return sorted(f for f in files if not any(p.startswith(".") for p in f.relative_to(place).parts))
