"""A promotion taken back before it was entered: its lists were unfit, or the day ended otherwise."""

from hm_pipeline.errors import PublishError
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.night import Verdict


def refused(verdict: Verdict, champion: ModelRef | None, error: PublishError) -> Verdict:
    """The verdict that leaves the champion of an earlier run date in office, and says why.

    Raises `error` again where nobody was promoted or nobody is there to stay: then nothing can be shown.
    """
    if verdict.promoted is None or champion is None:
        raise error
    return taken_back(verdict, champion, error)


def taken_back(verdict: Verdict, champion: ModelRef | None, error: PublishError) -> Verdict:
    """The verdict without its promotion, and why; without a champion nobody is in office."""
    why = f"But the lists of {verdict.promoted} are not fit to be published: {error}"
    stays = f"the {champion.kind} of {champion.day} stays champion" if champion else "nobody is champion"
    return _without(verdict, champion.kind if champion else None, f"{why}; {stays}.")


def superseded(verdict: Verdict, decision: Decision) -> Verdict:
    """The verdict without its promotion: the ledger changed before it was entered, and decided otherwise."""
    why = f"But ledger entry {decision.seq} decided the day otherwise: {decision.verdict.reason}"
    return _without(verdict, decision.verdict.winner, why)


def _without(verdict: Verdict, winner: str | None, why: str) -> Verdict:
    told = {"promote": False, "winner": winner, "step": "stays", "reason": f"{verdict.reason} {why}"}
    return verdict.model_copy(update=told)
