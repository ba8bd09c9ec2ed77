"""`hm simulate`: a shop that never was, of any size, into the raw layout of a market."""

from datetime import datetime
from typing import Annotated

import typer

from flows.commands.options import Market
from flows.commands.quiet import quiet

First = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day, in the market's zone.")]
Interactions = Annotated[
    int, typer.Option(min=1, help="Clicks of people, about; purchases and bots come on top.")
]
Order = Annotated[
    float, typer.Option(min=0, max=1, help="0: the next click is by popularity alone; 1: by the one before.")
]
Returns = Annotated[
    float, typer.Option(min=0, max=1, help="Of the clicks, those back to an article of the session.")
]
Best = Annotated[
    int | None, typer.Option(min=1, help="Say the best HR of so many articles that the last day allows.")
]


def simulate(
    market: Market,
    first: First,
    days: Annotated[int, typer.Option(min=1)] = 30,
    users: Annotated[int, typer.Option(min=1)] = 20_000,
    items: Annotated[int, typer.Option(min=100)] = 5_000,
    interactions: Interactions = 1_000_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    order: Order = 0.7,
    returns: Returns = 0.1,
    bots: Annotated[int, typer.Option(min=0, help="Robots, thousands of clicks a day each.")] = 2,
    best: Best = None,
    redo: Annotated[bool, typer.Option("--redo", help="Replace what other arguments made.")] = False,
) -> None:
    """Make up a shop, day by day, for tests of scale and for teaching: never to say how good a model is.

    The same arguments make the same files. Stop it whenever you like: run again, it goes on. The market
    `sim` reads what it writes. See docs/simulation.md.
    """
    quiet()
    from flows.simulating import simulate, tell_best

    asked = {"first": first.date(), "days": days, "users": users, "items": items, "seed": seed}
    dials = {"interactions": interactions, "order": order, "returns": returns, "bots": bots}
    simulation = simulate(market, asked | dials, redo)
    if best is not None:
        tell_best(simulation, best)
