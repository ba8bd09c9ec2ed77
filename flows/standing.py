"""A market in one look: who answers, what readers see, what the last nights decided. Storage is enough."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from flows.display import console
from hm_pipeline.config import load
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.state import State
from hm_pipeline.storage import look
from tasks import ledger
from tasks.settings import settings

_NIGHTS = 7  # decisions shown


def show_market(market: str) -> None:
    """Print it; RegistryError where the ledger is torn."""
    load(settings().config, market)  # an unknown market is answered with those that are known
    now = ledger.current(market)
    if not now.seq:
        console.print(f"market {market} has no night yet: hm run --market {market} --day DAY")
        return
    facts = Table(title=f"{market}, ledger entry {now.seq}", title_justify="left", show_header=False)
    for name, value in _facts(market, now):
        facts.add_row(name, Text(value))  # brackets in it are no markup
    console.print(facts)
    console.print(_decisions(now))


def _facts(market: str, now: State) -> Iterator[tuple[str, str]]:
    yield "champion", _named(now.champion)
    back = f"; `hm rollback --market {market}` goes back to it" if now.previous else ""
    yield "before it", f"{_named(now.previous)}{back}"
    yield "challenger", _named(now.challenger)
    yield "lists of", f"{now.lists_day or '-'} ({now.lists or 'none'})"
    shown = look(settings().storage, f"{market}/latest.json").value or {}
    yield "readers see", f"{shown.get('day', 'nothing')}, ledger entry {shown.get('ledger', '-')}"
    if stale := shown.get("stale"):
        yield "stale", f"{stale['expected']} was expected: {stale['reason']}"
    if held := [*sorted(now.held_kinds), *map(str, sorted(now.held_versions))]:
        yield "held", f"{', '.join(held)}; `hm release --market {market}` lets them compete again"
    if now.erasures:
        users = sum(len(entry.users) for entry in now.erasures)
        yield "erased", f"{users:,} users in all; the last time by the night of {now.erasures[-1].day}"


def _named(ref: ModelRef | None) -> str:
    return f"{ref.kind} of {ref.day}, version {ref.version}" if ref else "nobody"


def _decisions(now: State) -> Table:
    """The newest last; one day's last decision counts."""
    table = Table(title="the last nights", title_justify="left")
    for column in ("run date", "step", "promoted", "why"):
        table.add_column(column)
    for day in sorted(now.decisions)[-_NIGHTS:]:
        verdict = now.decisions[day].verdict
        table.add_row(str(day), verdict.step, verdict.promoted or "", Text(verdict.reason))
    return table
