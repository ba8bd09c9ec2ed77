"""What a night is watched by, besides its candidates: how the lists did, drift, ageing, what stages took."""

from collections.abc import Sequence
from typing import Any

from hm_pipeline.data.drift_report import DriftReport
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.frozen import Frozen
from hm_pipeline.report.outcome import StageCost
from tasks.longevity import Longevity, pooled
from tasks.run import Run
from tasks.stage import Stored


class Watched(Frozen):
    """All of a night that is watched; `stages` in the order in which they ran."""

    shown: Estimate | None  # HR of the lists that were shown on D-1
    drift: Stored[DriftReport]
    longevity: Stored[Longevity]
    ageing: tuple[Pooled, ...] = ()  # the curve over age, of all nights so far
    stages: tuple[Stored[Any], ...] = ()


def watch(
    run: Run,
    shown: Estimate | None,
    moved: Stored[DriftReport],
    aged: Stored[Longevity],
    stages: Sequence[Stored[Any] | None],
) -> Watched:
    """Tonight's, with the curve over age of all nights so far."""
    ran = tuple(stage for stage in stages if stage is not None)
    return Watched(shown=shown, drift=moved, longevity=aged, ageing=pooled(run, aged), stages=ran)


def stage_costs(stages: Sequence[Stored[Any] | None]) -> tuple[StageCost, ...]:
    """A line a stage, each once; a stage that older code stored without its seconds is left out."""
    found = {stage.prefix: stage for stage in stages if stage is not None and "took" in stage.facts}
    return tuple(
        StageCost(
            stage=stage.facts["took"]["title"],
            seconds=stage.facts["took"]["seconds"] + stage.facts.get("asked_seconds", 0.0),
            price=stage.facts.get("price"),
            reused=stage.reused,
        )
        for stage in found.values()
    )
