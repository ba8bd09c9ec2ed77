"""`hm show`, `hm rollback`, `hm release`: what users are shown, and who answers them."""

from typing import Annotated

import typer

from flows.commands.options import Market, Reason
from flows.commands.quiet import quiet


def show(
    market: Market,
    user: Annotated[str | None, typer.Option(help="A user id: the latest history beside the list.")] = None,
) -> None:
    """Who is champion, what readers see, what the last nights decided; or, for a user, the published list.

    Reads the results' storage only: it answers where MLflow and Prefect do not.
    """
    quiet()
    from flows.show import show_user
    from flows.standing import show_market

    if user is None:
        show_market(market)
    else:
        show_user(market, user)


def rollback(market: Market, reason: Reason = "") -> None:
    """Back to the champion before: its lists are published again, and the other one is held."""
    quiet()
    from flows.office import roll_back

    roll_back(market, reason)


def release(market: Market, reason: Reason = "") -> None:
    """Let the kinds and versions that a rollback held compete again."""
    quiet()
    from flows.office import release_holds

    release_holds(market, reason)
