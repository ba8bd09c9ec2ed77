"""`hm doctor`, `hm up`, `hm down`, `hm status`, `hm set-up`: machines and servers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.quiet import quiet


def doctor() -> None:
    """Check environment, versions, storage and tracking, and say what to do."""
    quiet()
    from flows.doctor import check_all

    raise typer.Exit(0 if check_all() else 1)


def up() -> None:
    """Prefect, MLflow, S3 and three workers on this machine, on loopback; again if they run already."""
    quiet()
    from flows.machine.up import up

    up()


def down() -> None:
    """End everything that `hm up` started, and whatever of it was left behind; data stays."""
    quiet()
    from flows.machine.down import down

    down()


def status() -> None:
    """What of `hm up` runs, where it listens, where its logs are."""
    quiet()
    from flows.machine.down import status

    raise typer.Exit(0 if status() else 1)


def set_up(
    kind: Annotated[
        Literal["process", "kubernetes", "docker"], typer.Option("--type", help="Of new work pools.")
    ] = "process",
    templates: Annotated[
        Path | None,
        typer.Option("--job-templates", help="A folder with {pool}.json or {type}.json.", file_okay=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; say what is missing.")] = False,
) -> None:
    """Teach the Prefect server at PREFECT_API_URL this project: pools, limits, deployments, automations.

    Twice makes nothing twice. HM_WEBHOOK: a url that is told when a night fails, is missing or stale.
    """
    quiet()
    from flows.setup import check as look
    from flows.setup import set_up

    if check:
        raise typer.Exit(0 if look() else 1)
    set_up(kind, templates)
