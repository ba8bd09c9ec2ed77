"""The evaluations and costs that a night's table shows."""

from collections.abc import Mapping

from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.table import Cost
from hm_pipeline.models.release import Release
from tasks.evaluate import load_evaluation
from tasks.run import Run
from tasks.stage import Stored


def evaluations(
    run: Run, scores: Mapping[str, Stored[Evaluation]], own: Stored[Evaluation] | None
) -> dict[str, Evaluation]:
    """Every candidate on the gate's holdout, and the champion of the night before beside them."""
    target = run.config.publish.gate_target
    gate = {kind: load_evaluation(stored, target) for kind, stored in scores.items()}
    return gate if own is None else gate | {"champion": load_evaluation(own, target)}


def costs(fits: Mapping[str, Stored[Release]]) -> dict[str, Cost]:
    """Wall seconds and peak memory of each fit, as measured when it was made."""
    return {
        kind: Cost(seconds=stored.facts["seconds"], peak_mb=stored.facts["peak_mb"])
        for kind, stored in fits.items()
    }
