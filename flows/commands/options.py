"""Options that several commands share."""

from datetime import datetime
from typing import Annotated

import typer

Market = Annotated[str, typer.Option(help="A market: the name of a file in deploy/markets.")]
Day = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="The run date: reads the window before it.")
]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
