"""What a person chose by variables when `hm up` was called: `hm up` alone brings the same machine back.

HM_UP/choices.json     {"HM_RAW": "/data/raw", "HM_S3_PORT": "9000"}
"""

import json
import os
from pathlib import Path

from flows.machine.private import private
from tasks.settings import settings

FILE = "choices.json"
_USUAL = {"HM_CONFIG": "deploy", "HM_CONSTRAINTS": "constraints.txt"}  # the same, spelt out, is no choice
_NAMES = ("HM_PREFECT_PORT", "HM_MLFLOW_PORT", "HM_S3_PORT", "HM_RAW", *_USUAL)


def recall(folder: Path) -> None:
    """Let the last choices count in this process, as if its shell had made them.

    Where the shell says something itself, that counts; an empty variable is a choice taken back.
    """
    for name, value in kept(folder).items():
        os.environ.setdefault(name, value)
    for name in _NAMES:
        if not os.environ.get(name):
            os.environ.pop(name, None)
    settings.cache_clear()


def kept(folder: Path) -> dict[str, str]:
    """The choices that the machine in `folder` was started with."""
    file = folder / FILE
    choices: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return choices


def chosen() -> dict[str, str]:
    """What counts now and is not as `hm up` would have it by itself; paths are absolute."""
    now = {name: os.environ[name] for name in _NAMES if name in os.environ}
    if "HM_RAW" in now:
        now["HM_RAW"] = settings().raw
    for name, usual in _USUAL.items():
        if name in now and (place := Path(now.pop(name)).resolve()) != Path(usual).resolve():
            now[name] = str(place)
    return now


def keep(folder: Path) -> None:
    """For the next `hm up`."""
    private(folder / FILE, json.dumps(chosen(), indent=1, sort_keys=True))


def told(choices: dict[str, str]) -> str:
    """As a shell would be given them."""
    return " ".join(f"{name}={value}" for name, value in sorted(choices.items())) or "none"
