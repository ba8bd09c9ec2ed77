"""`hm`: one command a wish. Each theme is a file of flows/commands; here they get their order and names."""

import typer

from flows.commands import champions, importing, machine, nights, simulate, study

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""Nightly fashion recommendations: extract, train, compare, promote, publish.

    [bold]First steps[/bold]

      hm demo                    two nights on real data, no server

      hm doctor                  is everything here that a run needs?

    [bold]A market of your own[/bold]

      hm import uci-eshop FILE   public data into the raw layout; hm import table FILE: any other

      hm simulate --market sim --first 2021-05-01   a shop that never was, of any size

      hm run --market eshop --day 2008-05-05

      hm show --market eshop            who is champion, what readers see; with --user, one user's list

      hm backfill --market eshop --from 2008-05-05 --to 2008-05-11 --only-missing

    [bold]A question of your own[/bold]

      hm study list              what is declared in deploy/studies

      hm study sequence_order --market eshop --day 2008-05-05

    [bold]Every night, on this machine[/bold]

      hm up                      servers, workers, schedules; hm status, hm down

    [bold]When a champion disappoints[/bold]

      hm rollback --market eshop   back to the one before, at once

      hm release --market eshop    let what was held compete again

    Where things lie: HM_ROOT (results), HM_RAW (raw data), HM_CONFIG (markets), MLFLOW_TRACKING_URI.
    All have defaults below ./hm-data and ./deploy.
    """,
)

COMMANDS = (
    nights.demo,
    nights.run,
    nights.backfill,
    champions.show,
    champions.rollback,
    champions.release,
    simulate.simulate,
    machine.doctor,
    machine.up,
    machine.down,
    machine.status,
    machine.set_up,
)
GROUPS = {
    "import": importing.group,
    "study": study.group,
}  # a word with commands of its own: a `group` in its file

for command in COMMANDS:
    app.command()(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


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
