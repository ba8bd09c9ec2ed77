"""Who answers tonight, what stands already, and how the lists shown yesterday did."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl
from prefect import task

from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sequences import some_users
from hm_pipeline.errors import DamagedError
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.shown import first_arrivals, hit_ratio_shown
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.report.outcome import Outcome
from hm_pipeline.storage import find
from tasks import ledger
from tasks.report import find_outcome
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored, stored
from tasks.standing import settles


def standing(run: Run) -> Outcome | None:
    """The outcome of a day that is decided already, unless it is to be decided again."""
    decision = ledger.current(run.market).decisions.get(run.day)
    if not settles(decision, run):
        return None
    outcome = find_outcome(decision, run.market)
    return outcome and outcome.model_copy(update={"notes": (*outcome.notes, *_changed(run, decision))})


def entered_verdict(run: Run) -> Verdict | None:
    """What this very run entered before it was killed on the way to its report; None where it did not."""
    decision = ledger.current(run.market).decisions.get(run.day)
    return decision.verdict if settles(decision, run) and decision.run_digest == run.digest else None


def _changed(run: Run, decision: Decision) -> tuple[str, ...]:
    if decision.run_digest == run.digest:
        return ()
    return (
        f"{run.day} was decided from other inputs, configuration or code (ledger entry {decision.seq}); "
        "it stands. To decide it again: --redo",
    )


def overtaken(run: Run, decision: Decision) -> Outcome | None:
    """What another run of the day entered from other inputs, and reported.

    None where the decision is this run's, and where its run was killed before it could report.
    """
    return None if decision.run_digest == run.digest else standing(run)


def entered(
    decision: Decision,
    champion: ModelRef | None,
    office: ModelRef | None,
    lists: Stored[pl.DataFrame] | None,
) -> tuple[ModelRef | None, Stored[pl.DataFrame] | None]:
    """Who answers, and the lists, as the ledger has them: another run's, where that one was first.

    `champion` is of an earlier run date; `office` and `lists` are what this run would have entered.
    """
    if decision.lists is None or (lists is not None and decision.lists == lists.prefix):
        return office, lists
    return decision.champion or champion, stored(decision.lists)


def in_office(
    champion: ModelRef | None, verdict: Verdict, versions: Mapping[str, ModelRef]
) -> ModelRef | None:
    """Whose lists tonight's are: the one just promoted, else the champion of an earlier run date."""
    return versions[verdict.promoted] if verdict.promoted else champion


@task(name="published_hr", **ON_STORAGE)
def published_hr(run: Run, window: Stored[InteractionLog]) -> Estimate | None:
    """HR of the lists shown last on D-1, on what users did first that day; None where none can be read."""
    yesterday = run.day - timedelta(days=1)
    shown = ledger.current(run.market).shown.get(yesterday)
    if shown is None:
        return None
    published = _readable(shown)
    if published is None:
        return None
    log, config = InteractionLog.load(window.folder() / "log"), run.config.samples
    with scratch() as place:
        users = some_users(log, config.interaction_events, config.seed, place=place)
        arrivals = pl.concat(first_arrivals(some, yesterday) for some in users)
    lists, default = (
        pl.read_parquet(published / "lists.parquet"),
        pl.read_parquet(published / "default.parquet"),
    )
    return hit_ratio_shown(lists, default, arrivals)


def _readable(shown: str) -> Path | None:
    """None of lists past retention_days, and of damaged ones: they cost the figure, not the night."""
    try:
        there = find(settings().storage, shown) is not None
        return Stored[pl.DataFrame](prefix=shown).folder() if there else None
    except DamagedError as error:
        logging.getLogger("hm").warning("%s", error)
        return None
