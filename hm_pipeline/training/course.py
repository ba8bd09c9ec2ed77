"""What a training run is told, and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from hm_pipeline.progress import Progress, silent
from hm_pipeline.training.checkpoint import Checkpoints


@dataclass(frozen=True)
class Reading:
    """One look at a net in training."""

    epoch: float
    step: int
    loss: float  # mean over the targets since the last look
    hit_rate: float | None  # on validation; None where there is none
    rate: float


@dataclass(frozen=True)
class Orders:
    """What a run is told besides its configuration."""

    validate: Callable[[], float] | None = None  # the hit rate of the net as it is now
    checkpoints: Checkpoints | None = None
    should_stop: Callable[[], bool] = lambda: False  # time is up
    stop_at_step: int | None = None  # where an earlier run of the same inputs ran out of time
    epochs: float | None = None  # exactly so many, without stopping early
    progress: Progress = silent
    stage: str = "train"


@dataclass
class Course:
    """Where a run stands: with weights and moments, all there is to resume from."""

    epoch: int = 0
    batch: int = 0  # next one of this epoch
    step: int = 0
    targets: int = 0  # seen in all
    loss_sum: float = 0.0  # since the last look
    loss_targets: int = 0
    best: Reading | None = None
    readings: list[Reading] = field(default_factory=list)
    stopped: str = ""  # "patience", "all epochs", "time", "refit"

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """From JSON."""
        best = Reading(**state["best"]) if state["best"] else None
        return cls(**state | {"best": best, "readings": [Reading(**r) for r in state["readings"]]})
