"""A promotion taken back before it was entered: the lists of the one promoted were not fit to be shown."""

from hm_pipeline.errors import PublishError
from hm_pipeline.registry.ledger import ModelRef
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
    return verdict.model_copy(
        update={
            "promote": False,
            "winner": champion and champion.kind,
            "step": "stays",
            "reason": f"{verdict.reason} {why}; {stays}.",
        }
    )
