"""What was measured of the losses, one JSON line a fit."""

from typing import Literal

from lines import Lines
from pydantic import TypeAdapter

from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.sequencer_config import SequencerConfig

Contender = Literal["full", "sampled", "full, briefly", "full, at its best", "sampled, at its best"]


class LossFit(Frozen):
    """One fit, asked both questions: the choice of its epoch is all that validation chose."""

    items: int  # of the catalogue
    contender: Contender
    seed: int
    samples: str  # digest of what it was fitted on and asked
    config: SequencerConfig
    report: FitReport
    seconds: float  # of the CPU, one thread, until the last epoch was looked at
    validation: Estimate
    test: Estimate


class Journal(Lines[LossFit]):
    """What was measured, by question."""

    kind: TypeAdapter[LossFit] = TypeAdapter(LossFit)

    def fits(self, contender: Contender, items: int) -> dict[int, LossFit]:
        """By seed, the newest of each."""
        return {f.seed: f for f in self.all() if (f.contender, f.items) == (contender, items)}

    def sizes(self) -> list[int]:
        """The catalogues, the largest first."""
        return sorted({f.items for f in self.all()}, reverse=True)
