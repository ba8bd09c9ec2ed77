"""One whole machine for all tests here; see live_machine.py for what it offers."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from live_machine import DEPLOY, LiveMachine, free_block
from tiny_market import write_config, write_raw

from flows.machine import leftovers


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMachine]:
    """Everything of `make up`, really running; ended with the session."""
    place = tmp_path_factory.mktemp("up")
    first = free_block(10)
    live = LiveMachine(
        folder=place / "up",
        config=_config(place),
        chosen={
            "HM_UP": str(place / "up"),
            "HM_CONFIG": str(place / "deploy"),
            "HM_S3_PORT": str(first),
            "HM_MLFLOW_PORT": str(first + 8),
            "HM_PREFECT_PORT": str(first + 9),
        },
    )
    live.chosen["HM_WEBHOOK"] = live.listener.url
    threading.Thread(target=live.listener.serve_forever, daemon=True).start()
    try:
        begun = live.hm("up")
        assert begun.returncode == 0, f"{begun.stdout}{begun.stderr}\n{live.logs()}"
        _deliver(live, place)
        yield live
    finally:
        live.hm("down")
        live.listener.shutdown()
        leftovers.end(live.folder)


def _config(place: Path) -> Path:
    """deploy/ with the tiny market beside the others; no schedule of it is active."""
    config = place / "deploy"
    shutil.copytree(DEPLOY, config)
    write_config(place / "tiny")
    for name in ("markets/tiny.toml", "profiles/tiny.toml"):
        shutil.copy(place / "tiny" / name, config / name)
    content = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    for entry in [e for e in content["deployments"] if e["name"] == "demo"]:
        content["deployments"].append(entry | {"name": "tiny", "parameters": {"market": "tiny"}})
    (config / "prefect.yaml").write_text(yaml.safe_dump(content))
    return config


def _deliver(live: LiveMachine, place: Path) -> None:
    """The tiny market's raw data, into the bucket."""
    write_raw(place / "raw")
    s3 = live.s3()
    for file in sorted((place / "raw").rglob("*.csv")):
        s3.upload_file(str(file), "hm-pipeline", f"root/raw/{file.relative_to(place / 'raw').as_posix()}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the machine is marked."""
    for item in items:
        if "machine" in getattr(item, "fixturenames", ()):
            item.add_marker("services")
