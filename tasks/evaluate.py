"""A release against the holdouts of tonight's samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import DamagedError, ModelError, NotThereError
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate
from hm_pipeline.evaluation.mix import mix_distance
from hm_pipeline.models.release import Release
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.retrieval.answer import answer
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.stage import Stored, kept

HOLDOUTS = ("validation", "first", "last")
ROOMS = ("data", "index", "models", "retrieval", "evaluation")


@task(name="evaluate", task_run_name="evaluate {name}", **ON_STORAGE)
def evaluate_release(
    run: Run,
    samples: Stored[Samples],
    release: Stored[Release],
    name: str,
    holdouts: tuple[str, ...] = HOLDOUTS,
) -> Stored[Evaluation]:
    """Holdouts, the gate's among them, in the vocabulary and with the counts of `samples`, whoever fitted."""
    k, unseen = run.config.publish.k, run.config.publish.exclude_seen

    def produce(folder: Path) -> dict[str, Any]:
        known, asked = Samples.load(samples.folder()), Release.load(release.folder())
        facts: dict[str, Any] = {"mix_distance": {}, "hr": {}}
        for holdout_name in holdouts:
            holdout = known.holdouts[holdout_name]
            lists = answer(asked, holdout.histories, known.items, known.users, k, exclude_seen=unseen)
            evaluation = evaluate(lists, holdout, known, k, name=holdout_name)
            evaluation.save(folder / holdout_name)
            facts["mix_distance"][holdout_name] = mix_distance(lists, known)
            facts["hr"][holdout_name] = evaluation.metrics["hr"].mean
        hr = facts["hr"].get(run.config.publish.gate_target, facts["hr"][holdouts[-1]])
        return facts | {"said": "" if hr is None else f"hr {hr:.3f}"}

    made_from = [samples.prefix, release.prefix, k, unseen, list(holdouts)]
    return kept(run, "evaluation", made_from, ROOMS, produce, title=f"evaluate {name}")


@dataclass(frozen=True)
class Incumbent:
    """Whom tonight's candidates meet, and how it did; `lost` says why it can do nothing any more."""

    ref: ModelRef | None = None
    own: Stored[Evaluation] | None = None
    lost: str = ""


@task(name="read the champion", **ON_STORAGE)
def read_champion(champion: ModelRef) -> None:
    """Raises ModelError, DamagedError or NotThereError where nobody can read it any more."""
    Release.load(Stored[Release](prefix=champion.uri).folder())


def evaluate_champion(run: Run, samples: Stored[Samples], champion: ModelRef | None) -> Incumbent:
    """The newest champion of an earlier run date answers the new histories with its stored parameters.

    One that cannot be read any more (its configuration is of another version, its files are damaged or
    gone) is nobody to meet: a market that keeps it in office would never publish again.
    """
    if champion is None:
        return Incumbent()
    try:
        read_champion(champion)  # by itself: samples that are gone are no fault of its
    except (ModelError, DamagedError, NotThereError) as error:
        return Incumbent(lost=f"the champion, {champion.kind} of {champion.day}, cannot be read: {error}")
    return Incumbent(champion, evaluate_release(run, samples, Stored(prefix=champion.uri), "champion"))


def load_evaluation(stored: Stored[Evaluation], holdout: str) -> Evaluation:
    """One holdout's evaluation."""
    return Evaluation.load(stored.folder() / holdout)
