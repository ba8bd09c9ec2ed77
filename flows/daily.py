"""The nightly run: one market, one run date, from raw files to published lists.

    extract ─ samples ─┬─ train each model ─ evaluate ─┐
                       └─ champions, drift ────────────┴─ decide ─ refit ─ register ─ lists ─ check ─ commit

Each stage's result is stored under the digest of what made it, so that a killed run goes on where it
stopped. Nothing is visible outside before `commit`, one ledger object; `publish` derives the rest from it.
"""

from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows.dispatch import cancel_children, fitted, listed, refitted
from hm_pipeline.config import RunConfig
from hm_pipeline.errors import HmPipelineError, PublishError
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.promotion import Verdict
from hm_pipeline.registry.refusal import refused, taken_back
from hm_pipeline.report.outcome import Outcome
from tasks import ledger
from tasks.cache import tidy
from tasks.commit import commit, publish
from tasks.decide import champion_before, weigh
from tasks.drift import measure_drift
from tasks.erasure import erase, prune
from tasks.evaluate import evaluate_champion, evaluate_release
from tasks.lists import examine
from tasks.longevity import longevity
from tasks.office import entered, entered_verdict, in_office, overtaken, published_hr, standing
from tasks.order import orders
from tasks.prepare import arrived, logical_day, prepare, resolve
from tasks.register import register, withdraw, withdraw_overtaken
from tasks.report import report
from tasks.retry import again_on_conflict
from tasks.run import Run
from tasks.samples import build_samples
from tasks.stale import marking_stale
from tasks.watched import watch


def night_name() -> str:
    """What the UI calls a run: the market and the run date, the planned one where none was given."""
    given = flow_run.parameters
    try:
        config = resolve.fn(given["market"], None)
        return f"{given['market']}-{logical_day(config, _day(given.get('day')))}"
    except HmPipelineError:  # the run itself says it better
        return str(given["market"])


def _day(given: date | str | None) -> date | None:
    return date.fromisoformat(given) if isinstance(given, str) else given


@flow(name="daily", flow_run_name=night_name, on_cancellation=[cancel_children])
def daily(
    market: str, day: date | None = None, config: RunConfig | None = None, redo: bool = False
) -> Outcome:
    """One night of one market; a day decided from the same inputs is only repaired and read again.

    `day` is the run date: the run reads the window that ends the day before. Without it the time that
    the scheduler planned counts, never today's clock. `redo` decides again a day whose inputs changed.
    """
    resolved = resolve(market, config)
    run_date = logical_day(resolved, day)
    with marking_stale(market, run_date):
        publish(market)
        erase(market, run_date)
        run = prepare(resolved, run_date, redo)
        prune(resolved, run_date)  # a mistyped day of next year ends in `prepare`, and deletes nothing
        tidy(market)
        return standing(run) or compute(run)


def compute(run: Run) -> Outcome:
    """All stages of a night that is not decided yet; those that are stored are read."""
    run, window = arrived(run)
    samples, everything = build_samples(run, window, "next_day"), build_samples(run, window, "refit")
    fits = dict(zip(run.config.models, fitted(orders(run, samples)), strict=True))
    scores = {kind: evaluate_release(run, samples, fit, kind) for kind, fit in fits.items()}
    shown, moved = published_hr(run, window), measure_drift(run, window)
    promised: dict[int, tuple[ModelRef, Verdict]] = {}  # versions registered as champion, in all tries

    def conclude() -> Outcome:
        """From what the ledger says to what it says next."""
        seen = ledger.current(run.market).seq
        incumbent = evaluate_champion(run, samples, champion_before(run.market, run.day))
        champion, own = incumbent.ref, incumbent.own
        aged = longevity(run, samples, champion, own)
        verdict = entered_verdict(run) or weigh(run, scores, incumbent, moved)
        winner = refitted(run, everything, fits, verdict)
        stages = (window, samples, everything, *fits.values(), *scores.values(), moved, own, aged, winner)
        watched = watch(run, shown, moved, aged, stages)
        versions = register(run, samples, fits, scores, own, verdict, winner, watched)
        if verdict.promoted:
            promised[versions[verdict.promoted].version] = versions[verdict.promoted], verdict
        office = in_office(champion, verdict, versions)
        is_read = verdict.step != "older day"
        lists = listed(run, everything, office) if is_read else None
        try:
            examine(run, everything, lists)
        except PublishError as error:
            if verdict.promoted:
                unfit, _ = promised.pop(versions[verdict.promoted].version)
                withdraw(run, fits, scores, taken_back(verdict, champion, error), unfit)
            verdict = refused(verdict, champion, error)
            versions = register(run, samples, fits, scores, own, verdict, None, watched)
            office, lists = champion, listed(run, everything, champion)
            examine(run, everything, lists)
        decision = commit(run, seen, samples, verdict, versions, lists)
        publish(run.market)
        withdraw_overtaken(run, fits, scores, promised, decision)
        if (others := overtaken(run, decision)) is not None:
            return others
        office, lists = entered(decision, champion, office, lists)
        return report(run, window, fits, scores, own, decision, office, lists, watched)

    return again_on_conflict(conclude)
