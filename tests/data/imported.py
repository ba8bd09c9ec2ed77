"""What an import left below a root: its files, and what extract and catalogue make of them."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hm_pipeline.data.catalogue import catalogue
from hm_pipeline.data.extract import Extracted, extract
from hm_pipeline.data.log import Catalogue
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.raw import choose, snapshot

DEPLOY = Path(__file__).parents[2] / "deploy" / "markets"


@dataclass(frozen=True)
class Key:
    """An entry of a listing."""

    key: str
    size: int


def market_of(name: str) -> MarketConfig:
    """A market that ships."""
    return MarketConfig(**tomllib.loads((DEPLOY / f"{name}.toml").read_text())["market"])


def extracted(root: Path, market: MarketConfig, day: date) -> Extracted:
    """What a run of `day` reads."""
    files = choose(_listing(root), market, day).files
    return extract({d: [root / e.key for e in entries] for d, entries in files.items()}, market, day)


def catalogued(root: Path, market: MarketConfig, day: date) -> Catalogue:
    """What a run of `day` knows of articles and users."""
    found = [snapshot(_listing(root), room, market, day).files for room in ("articles", "users")]
    return catalogue(*([root / e.key for e in entries] for entries in found), market)


def contents(root: Path) -> dict[str, bytes]:
    """Every file by its path below `root`."""
    return {str(f.relative_to(root)): f.read_bytes() for f in sorted(root.rglob("*")) if f.is_file()}


def raw_layout(root: Path) -> dict[str, bytes]:
    """Every file but the importer's own."""
    return {name: content for name, content in contents(root).items() if not name.startswith(".imports")}


def _listing(root: Path) -> list[Key]:
    return [Key(str(f.relative_to(root)), f.stat().st_size) for f in root.rglob("*") if f.is_file()]
