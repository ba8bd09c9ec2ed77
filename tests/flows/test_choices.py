"""What a person chose for `hm up` by variables; nothing is started here."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.machine import up
from flows.machine.places import Machine, machine
from flows.machine.supervision import MachineError
from tasks.settings import settings

DEPLOY = Path(__file__).parents[2] / "deploy"
Shell = Callable[..., Machine]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The machine that a shell with these variables and no others would speak of."""
    before = dict(os.environ)
    monkeypatch.chdir(DEPLOY.parent)

    def says(**variables: str) -> Machine:
        for name in [name for name in os.environ if name.startswith("HM_")]:
            del os.environ[name]
        os.environ.update(variables, HM_UP=str(tmp_path / "up"))
        here = machine()
        here.make_folders()
        return here

    yield says
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


def test_raw_data_in_a_bucket_of_another_server_is_refused(shell: Shell) -> None:
    with pytest.raises(MachineError, match="HM_RAW is s3://acme/raw, and the programs of this machine speak"):
        up._chosen(shell(HM_RAW="s3://acme/raw"), fresh=True)
    up._chosen(shell(HM_RAW="s3://hm-pipeline/other"), fresh=True)


def test_up_alone_brings_back_what_was_chosen_the_last_time(shell: Shell) -> None:
    first = shell(HM_RAW="shop/raw", HM_S3_PORT="9000")
    up._chosen(first, fresh=True)
    again = shell()
    assert again.chosen.s3_port == 9000
    assert again.environment() == first.environment()
    assert again.environment()["HM_RAW"] == str(DEPLOY.parent / "shop" / "raw")
    up._chosen(again, fresh=True)
    assert shell().chosen.s3_port == 9000


def test_what_counts_is_said_in_one_line(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    up._chosen(shell(), fresh=True)
    assert capsys.readouterr().out == ""
    up._chosen(shell(HM_RAW="/shop/raw", HM_S3_PORT="9000"), fresh=True)
    capsys.readouterr()
    up._chosen(shell(), fresh=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("chosen: HM_RAW=/shop/raw HM_S3_PORT=9000 ")


def test_the_shell_wins_and_an_empty_variable_takes_a_choice_back(shell: Shell, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "machine", tmp_path / "ours" / "machine")
    up._chosen(shell(HM_RAW="/shop/raw", HM_S3_PORT="9000", HM_CONFIG=str(tmp_path / "ours")), fresh=True)
    assert shell().config == tmp_path / "ours"
    now = shell(HM_RAW="", HM_S3_PORT="9100", HM_CONFIG="")
    assert "HM_RAW" not in now.environment()
    up._chosen(now, fresh=True)
    later = shell()
    assert (later.chosen.s3_port, later.config) == (9100, DEPLOY)
    assert "HM_RAW" not in later.environment()


def test_a_shell_that_sourced_the_machines_env_has_chosen_nothing_more(shell: Shell) -> None:
    here = shell(HM_S3_PORT="9000")
    up._chosen(here, fresh=True)
    told = {k: v for k, v in here.environment().items() if k.startswith("HM_") and k != "HM_UP"}
    sourced = shell(**told)
    up._chosen(sourced, fresh=False)
    assert sourced.chosen == here.chosen
    assert json.loads((here.folder / "choices.json").read_text()) == {"HM_S3_PORT": "9000"}


def test_its_env_names_the_folder_by_which_down_and_status_find_it(shell: Shell) -> None:
    here = shell()
    assert f"export HM_UP={here.folder}\n" in here.write_env().read_text()


def test_what_runs_is_not_said_to_follow_choices_that_came_later(shell: Shell) -> None:
    up._chosen(shell(), fresh=True)
    with pytest.raises(MachineError, match=r"then: none; now: HM_RAW=/shop/raw\): `make down` first"):
        up._chosen(shell(HM_RAW="/shop/raw"), fresh=False)
    assert "HM_RAW" not in shell().environment()
