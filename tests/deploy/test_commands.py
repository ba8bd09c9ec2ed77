"""Every command of the two pictures is one that its program takes, flag for flag."""

import re
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import typer
from manifests import Container, compose_containers, kubernetes_containers
from mlflow.cli import cli as mlflow_cli
from prefect.cli._app import _app as prefect_app
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings
from prefect.utilities.urls import url_for

from flows.cli import app as hm_app

CONTAINERS = [*compose_containers(), *kubernetes_containers()]


def accepted(command: tuple[str, ...]) -> bool:
    """Whether the program would begin; its own error where it would not."""
    program, words = command[0], list(command[1:])
    if program == "prefect":
        prefect_app.parse_args(words, exit_on_error=False, print_error=False)
    elif program == "mlflow":
        parse(mlflow_cli, words)
    elif program == "hm":
        group = typer.main.get_command(hm_app)
        folder = words.index("--job-templates") + 1 if "--job-templates" in words else None
        parse(group, [str(Path(__file__).parent) if n == folder else word for n, word in enumerate(words)])
    else:
        return program in ("python", "sh")
    return Path(sys.executable).with_name(program).exists()


def parse(group: Any, words: list[str]) -> None:
    """click's group, or typer's, which carries a click of its own."""
    sub = group.commands[words[0]]
    sub.make_context(words[0], words[1:])


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.name)
def test_a_program_takes_its_command(container: Container):
    assert accepted(container.command)


def test_a_command_with_a_wrong_flag_would_be_noticed():
    with pytest.raises(Exception, match="No such option"):
        accepted(("mlflow", "server", "--hostess", "x"))
    with pytest.raises(Exception, match="No such option"):
        accepted(("hm", "set-up", "--kind", "kubernetes"))
    with pytest.raises(Exception, match="Unknown option"):
        accepted(("prefect", "worker", "start", "--pools", "x"))


def test_both_pictures_start_the_same_servers():
    def flags(container: Container) -> list[str]:
        return [word for word in container.command if "mlflow" not in word]

    compose = {c.name: c for c in compose_containers()}
    kubernetes = {c.name: c for c in kubernetes_containers()}
    for server in ("prefect", "mlflow"):
        assert flags(compose[server]) == flags(kubernetes[f"{server}/{server}"])


@pytest.mark.parametrize(
    "picture", [compose_containers, kubernetes_containers], ids=["compose", "kubernetes"]
)
def test_a_link_in_a_message_leads_where_a_browser_finds_prefect(picture: Any):
    """The server makes a run's link of its own PREFECT_UI_URL, `hm set-up` those of a page."""
    servers = {c.name.split("/")[0]: c.environment for c in picture() if not c.name.endswith("/images")}
    for name in ("prefect", "set-up"):
        told = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", servers[name]["PREFECT_UI_URL"])
        with temporary_settings({PREFECT_UI_URL: told}, restore_defaults={PREFECT_API_URL}):
            link = url_for("flow-run", uuid4())
        assert link is not None
        assert link.startswith("http://127.0.0.1:4200/runs/flow-run/")


def test_each_pool_of_deploy_has_a_worker_in_both_pictures():
    from flows.setting_up.pools import work_pools
    from tasks.settings import settings

    pools = set(work_pools(settings().config))
    for containers in (compose_containers(), kubernetes_containers()):
        starting = [c.command for c in containers if c.command[:3] == ("prefect", "worker", "start")]
        assert {command[command.index("--pool") + 1] for command in starting} == pools
