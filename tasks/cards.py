"""The model card of a candidate, from what its night stored."""

from collections.abc import Mapping
from datetime import timedelta

from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.floors import FLOORS
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release, knows_users
from hm_pipeline.registry.card import Card, Learned, model_card
from hm_pipeline.registry.promotion import Verdict
from tasks.code import revision
from tasks.evaluate import load_evaluation
from tasks.run import Run
from tasks.stage import Stored

CARD = "model_card.md"


def keeps_users(refitted: Stored[Release] | None) -> bool:
    """Whether a version holds anybody: the winner does, if it has learned anything of single users."""
    return refitted is not None and knows_users(refitted.folder())


def card_of(
    run: Run,
    fit: Stored[Release],
    refitted: Stored[Release] | None,
    scores: Mapping[str, Stored[Evaluation]],
    verdict: Verdict,
) -> str:
    """Markdown: the refitted release where this kind won, else the candidate without its users."""
    kind, target = fit.facts["kind"], run.config.publish.gate_target
    pool, release = run.config.pool_of(kind), refitted or fit
    card = Card(
        market=run.market,
        kind=kind,
        day=run.day,
        promoted=refitted is not None,
        verdict=verdict.reason,
        learned=Learned.model_validate(release.facts["learned"]),
        judged=Learned.model_validate(fit.facts["learned"]),
        arrivals=run.day - timedelta(days=1),
        config=run.config.models[kind].model_dump(mode="json"),
        exclude_seen=run.config.publish.exclude_seen,
        events=run.config.market.interaction_events,
        evaluation=load_evaluation(scores[kind], target),
        floors={name: load_evaluation(score, target) for name, score in scores.items() if name in FLOORS},
        seconds=release.facts["seconds"],
        price=f"{release.facts['price']:.4f} {pool.currency}",
        chosen_epochs=FitReport(**fit.facts["report"]).chosen_epochs,
        with_users=keeps_users(refitted),
        code=revision(),
    )
    return model_card(card)
