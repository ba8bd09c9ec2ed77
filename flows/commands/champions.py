"""`hm show`, `hm rollback`, `hm release`: what users are shown, and who answers them."""

from typing import Annotated

import typer

from flows.commands.options import Market, Reason
from flows.commands.quiet import quiet


def show(
    market: Market,
    user: Annotated[str, typer.Option(help="A user id.")],
) -> None:
    """A user's latest history beside the published list, with names."""
    quiet()
    from flows.show import show_user

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
