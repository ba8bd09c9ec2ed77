"""`hm` teaches, stays light, and says what is wrong in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


def hm(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, with everything it writes below `cwd`."""
    env = {**os.environ, "HM_CONFIG": str(REPO / "deploy"), "COLUMNS": "120", "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "flows.cli", *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_help_names_every_command(tmp_path: Path):
    said = hm("--help", cwd=tmp_path).stdout
    for command in ("demo", "run", "show", "rollback", "release", "doctor", "import"):
        assert command in said


def test_backfills_help_says_what_becomes_of_days_that_end_out_of_order_and_of_nights_when_it_is_stopped(
    tmp_path: Path,
):
    said = " ".join(hm("backfill", "--help", cwd=tmp_path).stdout.split())
    assert 'never published as champion ("older day")' in said
    assert "goes on when it is stopped here; prefect flow-run cancel ID" in said.replace("`", "")


def test_help_loads_neither_torch_nor_prefect_nor_polars(tmp_path: Path):
    code = (
        "import sys\nfrom flows.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('loaded:', [m for m in ('torch', 'prefect', 'polars', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO)
    assert "loaded: []" in done.stdout


def test_an_error_raised_on_purpose_is_one_sentence_and_no_trace(tmp_path: Path):
    done = hm("run", "--market", "Atlantis", "--day", "2021-06-01", cwd=tmp_path)
    assert done.returncode == 1
    assert "markets known: SE, demo, electronics, eshop, hm, sim, yoochoose" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_market_without_data_says_which_partition_is_missing(tmp_path: Path):
    done = hm("run", "--market", "demo", "--day", "2017-11-29", cwd=tmp_path)
    assert done.returncode == 1
    assert "web_interactions/market=demo/date=2017-11-28/" in done.stderr.replace("\n", "")


def test_rolling_back_where_nothing_was_published_says_so(tmp_path: Path):
    done = hm("rollback", "--market", "demo", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing to roll back to: the ledger knows 0 champions" in done.stderr.replace("\n", " ")


@pytest.mark.slow
def test_the_doctor_finds_this_environment_well_and_a_broken_one_not(tmp_path: Path):
    assert hm("doctor", cwd=tmp_path).returncode == 0
    broken = hm("doctor", cwd=tmp_path, HM_ROOT="/proc/nowhere")
    assert broken.returncode == 1
    assert "✗ storage" in broken.stdout
