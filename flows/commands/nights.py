"""`hm demo`, `hm run`, `hm backfill`: nights, one or many."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import Day, Market
from flows.commands.quiet import quiet
from flows.commands.server import through_a_server

if TYPE_CHECKING:
    from hm_pipeline.report.outcome import Outcome

DEMO_DAYS = (date(2017, 9, 13), date(2017, 9, 14))  # `small` was tuned on November


def demo() -> None:
    """Two nights of the market `demo`, a grocer's loyalty cards, from nothing to published lists.

    Takes about five minutes the first time; a second time nothing is recomputed.
    """
    quiet()
    from flows import display
    from flows.importing import complete_journey

    complete_journey("demo")
    for day in DEMO_DAYS:
        display.tell(_night("demo", day))
    display.tell_mlflow()


def run(
    market: Market,
    day: Day,
    redo: Annotated[
        bool, typer.Option("--redo", help="Decide again a day whose inputs changed: the newest one.")
    ] = False,
) -> None:
    """One night: extract, train every model, evaluate, decide, publish.

    A night that was killed goes on where it stopped; one that is decided is only shown.
    """
    quiet()
    from flows import display

    display.tell(_night(market, day.date(), redo))
    display.tell_mlflow()


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

    The night of a run date reads the days before it: who wants the data of 1 to 3 June asks for 2 to 4 June.
    Every day is registered and can be compared; none takes the champion's place from a newer day's. With
    --parallel they end in any order: a day that ends after a newer one is registered, and never published as
    champion ("older day").

    Stop it whenever you like: run again, it goes on where it was. A night that it began on the pools goes on
    when it is stopped here; `prefect flow-run cancel ID` ends the night, and what is trained for it.
    """
    where = through_a_server()
    from flows import display
    from flows.backfill import backfill

    display.console.print(where)

    with display.live(f"{market} · {first:%Y-%m-%d} to {last:%Y-%m-%d}"):
        days = backfill(market, first.date(), last.date(), only_missing, parallel)
    display.console.print(f"{len(days)} nights: {', '.join(map(str, days)) or 'none was missing'}")
    display.tell_mlflow()


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
