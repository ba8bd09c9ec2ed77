"""Nights in processes of their own that kill themselves at a named point.

    died = night(world, day, "before the ledger")     True: killed there, and it said so before it died
    night(world, day)                                 runs to its end

A point wraps one function of the program for one process; the program knows nothing of it.
"""

import os
import re
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from elsewhere import KilledError, elsewhere
from embedded import World, run_night
from mlflow import MlflowClient
from tiny_market import MARKET

import tasks.commit
import tasks.ledger
import tasks.register
from hm_pipeline.registry import mlflow_log, mlflow_registry, mlflow_runs
from hm_pipeline.registry.state import State
from hm_pipeline.storage import folder, look, stage
from hm_pipeline.storage.folder import Folder
from tasks.settings import settings

_LEDGER_ENTRY = re.compile(r"\d{8}\.json")

Die = Callable[[], None]


def night(world: World, day: date, point: str = "") -> bool:
    """One night in a process of its own: whether it was killed at `point`."""
    marker = world.folder / "reached"
    marker.unlink(missing_ok=True)
    try:
        elsewhere(world, _night, world, day, point)
    except KilledError:
        assert marker.read_text() == point
        return True
    return False


def _night(world: World, day: date, point: str) -> None:
    if point:
        POINTS[point](lambda: _die(world, point))
    run_night(MARKET, day)


def _die(world: World, point: str) -> None:
    (world.folder / "reached").write_text(point)
    os.kill(os.getpid(), signal.SIGKILL)


def _fatal(
    owner: Any,
    name: str,
    *,
    nth: int = 1,
    when: Callable[..., bool] = lambda *_, **__: True,
    after: bool = False,
) -> Callable[[Die], None]:
    """The nth call of `owner.name` for which `when` holds is the last thing a process does."""

    def arm(die: Die) -> None:
        real, calls = getattr(owner, name), 0

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += (hit := when(*args, **kwargs))
            if hit and calls == nth and not after:
                die()
            result = real(*args, **kwargs)
            if hit and calls == nth:
                die()
            return result

        setattr(owner, name, wrapped)

    return arm


def _first_file_of(name: str) -> Callable[..., bool]:
    """Whether an upload is the first one of a stage's folder."""
    begun: set[str] = set()

    def when(_self: Folder, _file: Path, key: str) -> bool:
        prefix, is_new = _prefix(key), _prefix(key) not in begun
        begun.add(prefix)
        return is_new and prefix.split("/")[2] == name

    return when


def _prefix(key: str) -> str:
    return key.rsplit("/attempt-", 1)[0]


def _manifest_of(name: str) -> Callable[..., bool]:
    return lambda _self, key, _data: key.endswith("/manifest.json") and key.split("/")[2] == name


def _places(name: str | re.Pattern[str]) -> Callable[..., bool]:
    """Whether a written file is about to get its name."""
    return lambda _move, _part, target: bool(re.fullmatch(name, target.name))


def _pointer_is_behind(market: str, now: State) -> bool:
    shown = look(settings().storage, f"{market}/latest.json").value or {}
    return now.lists is not None and shown.get("manifest") != f"{now.lists}/manifest.json"


def _in_half_a_checkpoint(die: Die) -> None:
    from hm_pipeline.training import checkpoint

    def half(_tensors: Any, file: Path) -> None:
        file.write_bytes(b"half")
        die()

    real, calls = checkpoint.save_file, 0

    def wrapped(*args: Any) -> None:
        nonlocal calls
        calls += 1
        (half if calls == 3 else real)(*args)

    checkpoint.save_file = wrapped  # type: ignore[assignment]


def _in_mid_epoch(*, refit: bool) -> Callable[[Die], None]:
    def arm(die: Die) -> None:
        from hm_pipeline.training.loop import _Run

        _fatal(
            _Run, "_after_step", nth=10, when=lambda run: (run.orders.epochs is not None) is refit
        )(die)  # fmt: skip

    return arm


# In the order of a night: each stage's folders by their number in one run that finds all before stored.
STAGES = (
    ("quarantine", 1), ("extract", 1), ("samples", 1), ("samples", 2), ("model", 1), ("model", 4),
    ("evaluation", 1), ("evaluation", 4), ("drift", 1), ("longevity", 1), ("model", 1), ("lists", 1),
    ("report", 1),
)  # fmt: skip

POINTS: dict[str, Callable[[Die], None]] = {
    **{
        f"after the first file of {name} {n}": _fatal(
            Folder, "upload", nth=n, when=_first_file_of(name), after=True
        )
        for name, n in STAGES
    },
    **{
        f"before the manifest of {name} {n}": _fatal(Folder, "create", nth=n, when=_manifest_of(name))
        for name, n in STAGES
    },
    "in mid-epoch": _in_mid_epoch(refit=False),
    "in mid-epoch of the refit": _in_mid_epoch(refit=True),
    "in mid-checkpoint": _in_half_a_checkpoint,
    "while MLflow's tables are made": _fatal(
        mlflow_runs, "_heard", when=lambda uri: uri.endswith(".part"), after=True
    ),
    "in the timeline": _fatal(mlflow_log, "finish_run"),
    "after a model's run began": _fatal(tasks.register, "open_run", nth=3, after=True),
    "after a model's files, before its version": _fatal(MlflowClient, "create_model_version", nth=2),
    "after a version": _fatal(MlflowClient, "create_model_version", nth=2, after=True),
    "before the ledger": _fatal(tasks.ledger, "append"),
    "in mid-ledger": _fatal(folder, "in_its_folder", when=_places(_LEDGER_ENTRY)),
    "between ledger and pointer": _fatal(tasks.commit, "move_latest", when=_pointer_is_behind),
    "in mid-pointer": _fatal(folder, "in_its_folder", when=_places("latest.json")),
    "between pointer and alias": _fatal(mlflow_registry, "_set"),
    "between two aliases": _fatal(mlflow_registry, "_set", after=True),
    "after the pointer": _fatal(
        Folder, "replace", when=lambda _self, key, *_: key.endswith("latest.json"), after=True
    ),
    "between an erased manifest and its old files": _fatal(
        stage, "_delete", nth=2, when=lambda _s, keys: bool(keys)
    ),
    "between an erased model's rows and ids": _fatal(
        MlflowClient,
        "log_artifact",
        when=lambda _self, _run, file, *_: file.endswith("user_rows.npy"),
        after=True,
    ),
    "between erasing and saying so": _fatal(tasks.ledger, "append"),
}
