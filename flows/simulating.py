"""A simulated shop into the raw layout, day by day, straight into the folder or the bucket.

`users/market=M/_simulation.json`, which readers pass over, says of which arguments the market was made and
which days are whole. A market without it is somebody's data, and is left alone.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from flows.display import console, live
from hm_pipeline.config import load, parse
from hm_pipeline.data.raw import ROOMS
from hm_pipeline.errors import ConfigError, NotThereError
from hm_pipeline.frozen import Frozen
from hm_pipeline.progress import Step
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.files import RawFile, parquet, raw_files
from hm_pipeline.simulation.oracle import best_hit_ratio
from hm_pipeline.storage import Storage
from tasks.progress import tell
from tasks.settings import settings


class Written(Frozen):
    """One day that is whole."""

    rows: int  # of interactions
    files: dict[str, int]  # key -> bytes


class Record(Frozen):
    """What a simulated market was made of, and how far it is."""

    simulation: dict[str, Any]
    days: dict[date, Written] = {}


def simulate(market: str, asked: Mapping[str, Any], redo: bool = False) -> Simulation:
    """Write the market's days that are not there yet, and say what is there.

    Raises ConfigError where the market holds what a simulation of these arguments would not make.
    """
    zone = load(settings().config, market).market.partitioned_by
    simulation = parse(Simulation, {"market": market, "timezone": zone, **asked}, "hm simulate")
    raw = settings().raw_storage
    with live(f"simulate into {raw.uri}, market {market}"):
        record = _begun(raw, simulation, redo)
        fresh = len(record.days) < simulation.days
        record = _finished(raw, simulation, record) if fresh else record
    rows = sum(day.rows for day in record.days.values())
    said = "simulated" if fresh else "already there"
    console.print(f"{said}: {rows:,} interactions; {min(record.days)} to {max(record.days)}")
    return simulation


def tell_best(simulation: Simulation, k: int) -> None:
    """The best hit ratio that lists fixed before the last day's first or last click of a user can have."""
    last = simulation.days - 1
    for asked in ("first", "last"):
        best = best_hit_ratio(simulation, last, k, asked)
        click = f"each user's {asked} click of {simulation.date_of(last)}"
        console.print(f"best HR@{k} of {click}: {best.mean:.4f} ± {best.se:.4f}, over {best.n:,}")


def _begun(raw: Storage, simulation: Simulation, redo: bool) -> Record:
    """The record so far, of days whose files are there; a new one where nothing is, or by `redo`."""
    there = _there(raw, simulation.market)
    fresh = Record(simulation=simulation.model_dump(mode="json"))
    if not there:
        return fresh
    record = _read(raw, simulation.market, len(there))
    if redo:
        for key in sorted(there, key=lambda key: key == _place(simulation.market)):  # the record last
            raw.delete(key)
        return fresh
    _require_same(record, fresh, simulation.market)
    whole = {day: of for day, of in record.days.items() if of.files.items() <= there.items()}
    return record.model_copy(update={"days": whole})


def _finished(raw: Storage, simulation: Simulation, record: Record) -> Record:
    """Walk all days, since each leads to the next, and write those that are not there."""
    _keep(raw, simulation.market, record)
    for day, files in groupby(raw_files(simulation), lambda file: file.day):
        written = _written(raw, files, day not in record.days)
        if written is not None:
            record = record.model_copy(update={"days": dict(sorted({**record.days, day: written}.items()))})
            _keep(raw, simulation.market, record)
        done = (day - simulation.first).days + 1
        tell(Step(f"simulate {simulation.market}", done, simulation.days, f"{day}"))
    return record


def _written(raw: Storage, files: Iterable[RawFile], wanted: bool) -> Written | None:
    """The files of a day, written; where they are not wanted they are passed all the same."""
    rows, sizes = 0, {}
    for file in files:
        if wanted:
            frame = file.rows()
            content = parquet(frame)
            raw.write(file.path, content)
            sizes[file.path] = len(content)
            rows += len(frame) if file.path.startswith("web_interactions/") else 0
    return Written(rows=rows, files=sizes) if wanted else None


def _there(raw: Storage, market: str) -> dict[str, int]:
    return {entry.key: entry.size for room in ROOMS for entry in raw.keys(f"{room}/market={market}")}


def _place(market: str) -> str:
    return f"users/market={market}/_simulation.json"


def _keep(raw: Storage, market: str, record: Record) -> None:
    raw.write(_place(market), record.model_dump_json(indent=1).encode())


def _read(raw: Storage, market: str, files: int) -> Record:
    try:
        return Record.model_validate_json(raw.read(_place(market)))
    except NotThereError:
        raise ConfigError(
            f"{raw.uri}: market {market} holds {files} files that no simulation made; simulate another "
            "market, or move them away yourself"
        ) from None


def _require_same(record: Record, asked: Record, market: str) -> None:
    before, now = record.simulation, asked.simulation
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if differing:
        was = ", ".join(f"{name} {before.get(name)}" for name in differing)
        wanted = ", ".join(f"{name} {now.get(name)}" for name in differing)
        raise ConfigError(
            f"market {market} was simulated with {was}, not {wanted}; --redo deletes it and begins again"
        )
