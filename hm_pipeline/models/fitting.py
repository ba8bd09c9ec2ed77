"""What passes between those who ask for a model to be fitted and those who fit it.

The dispatch on the configuration is `hm_pipeline.models.fit.fit`; these are its values, apart from it so
that each model can import them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from hm_pipeline.frozen import Frozen
from hm_pipeline.models.recommender import Recommender
from hm_pipeline.progress import Progress, silent


def _nobody() -> None:
    """Nobody wants to know of a checkpoint."""


def _never() -> bool:
    """Time is never up."""
    return False


class EpochReport(Frozen):
    """One look at a model in training."""

    epoch: float
    step: int
    loss: float  # mean over the targets since the last report
    validation_hr: float | None  # HR@k on the validation holdout; None where there is none
    rate: float  # the learning rate


class FitReport(Frozen):
    """How a fit went."""

    epochs: tuple[EpochReport, ...] = ()
    chosen_epochs: float | None = None  # what a refit is to train
    chosen_step: int | None = None
    stopped: str = ""  # "patience", "all epochs", "time", "refit", or "" where nothing is iterated
    facts: dict[str, float] = Field(default_factory=dict)  # to log: parameters, search_k …


@dataclass(frozen=True)
class FitContext:
    """What a fit is given besides its configuration and samples; floors look at `k` and `progress` only."""

    k: int = 14  # validation reads HR@k
    progress: Progress = silent
    checkpoints: Path | None = None  # a folder to resume from and to write into; None writes none
    on_checkpoint: Callable[[], None] = _nobody  # called after each checkpoint is whole on disk
    should_stop: Callable[[], bool] = _never  # time is up: keep the best checkpoint
    refit: FitReport | None = None  # what was chosen before: its epochs of the same schedule, no validation
    stop_at_step: int | None = None  # where an earlier run of the same inputs ran out of time


@dataclass(frozen=True)
class Fitted:
    """A model and how it came to be."""

    model: Recommender
    report: FitReport = field(default_factory=FitReport)
