"""Fixtures that every room may use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")
pytest_plugins = ["s3_server", "postgres"]  # s3_root: a real S3 server; postgres: a real PostgreSQL

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a real interaction log; a skip with a reason where it is absent, a failure under CI."""

    def folder(name: str) -> Path:
        found = SHARED / name
        if not found.exists():
            reason = f"no {name} at {found}: put the log there to run this test"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return found

    return folder
