"""`hm study NAME`, `hm study show NAME`, `hm study list`: declared questions and their answers."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.options import Day, Market
from flows.commands.quiet import quiet
from flows.commands.server import through_a_server


class _NameOrCommand(TyperGroup):
    """`hm study max_history` asks the study of that name; `show` and `list` are words of their own."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Other words are names."""
        known = args[0] in self.commands or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else ["ask", *args])


group = typer.Typer(
    cls=_NameOrCommand,
    no_args_is_help=True,
    help="""Ask a declared question: a file of deploy/studies says what is varied, and how often.

    hm study list                                        which questions there are

    hm study item_embedding --market eshop --day 2008-05-05

    hm study longevity --market demo --day 2017-09-14    how fast models age

    hm study show item_embedding --market eshop          the answer again

    hm study NAME --help                                 other sizes, other seeds, other settings

    A question of your own is a file more: docs/studies.md says how, deploy/studies/learning_rate.toml is one.
    """,
)

Name = Annotated[str, typer.Argument(help="A study: the name of a file in deploy/studies.")]
Profile = Annotated[str | None, typer.Option(help="Sizes of the models: a file of deploy/profiles.")]
Fixed = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Another value for a path of the configuration, or for study.KEY of the study itself.",
    ),
]
Seeds = Annotated[str, typer.Option(help="Other seeds than the study's, e.g. 1,2.")]


@group.command(hidden=True)
def ask(
    name: Name,
    market: Market,
    day: Day,
    profile: Profile = None,
    fixed: Fixed = None,
    seeds: Seeds = "",
) -> None:
    """Train and evaluate every variant, and answer the question with its uncertainty.

    Stop it whenever you like: run again, it goes on with what is missing. Where PREFECT_API_URL names a
    server, the variants are trained on its pools.
    """
    where = through_a_server()
    from flows import display
    from flows.study import study

    display.console.print(where)
    chosen = _numbers(seeds)
    with display.live(f"study {name} · {market} · run date {day:%Y-%m-%d}"):
        told = study(name, market, day.date(), profile, dict(map(_pair, fixed or [])), chosen)
    display.tell_study(told)
    display.tell_mlflow()


@group.command()
def show(
    name: Name,
    market: Market,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The run date; else the latest.")
    ] = None,
) -> None:
    """Print an answer again."""
    quiet()
    from flows import display
    from hm_pipeline.config import load
    from hm_pipeline.studies import study
    from tasks.settings import settings
    from tasks.study import find_answer, read_told

    study.load(settings().config, name)
    load(settings().config, market)
    found = find_answer(name, market, _day(day))
    display.tell_study(read_told(found))


@group.command("list")
def list_all() -> None:
    """The questions that are declared."""
    from flows import display
    from hm_pipeline.errors import ConfigError
    from hm_pipeline.studies.study import names
    from tasks.settings import settings

    folder = settings().config
    known = names(folder)
    if not known:
        raise ConfigError(f"no study below {folder}: set HM_CONFIG to the folder that has deploy's files")
    for name in known:
        display.console.print(f"[bold]{name:<18}[/] {_question(folder, name)}")


def _question(folder: Path, name: str) -> str:
    """What a study asks, or what is wrong with its file: the others are told all the same."""
    from rich.markup import escape

    from hm_pipeline.errors import ConfigError
    from hm_pipeline.studies.study import load

    try:
        return escape(load(folder, name).question)
    except ConfigError as error:
        return f"[red]{escape(str(error))}[/]"


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


def _numbers(text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write whole numbers, like 1,2,3", param_hint="--seeds") from None


def _pair(text: str) -> tuple[str, Any]:
    """`path=value`, the value as TOML has it; what is no TOML is text."""
    path, _, value = text.partition("=")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value
