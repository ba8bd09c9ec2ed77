"""Whether a day is decided already."""

from typing import TypeGuard

from hm_pipeline.registry.ledger import Decision
from tasks.run import Run


def settles(decision: Decision | None, run: Run) -> TypeGuard[Decision]:
    """A day is decided once, unless somebody asked to decide it again."""
    return decision is not None and not run.redo
