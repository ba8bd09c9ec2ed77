"""One market on one run date: what every task of a nightly run is told."""

from datetime import date

from hm_pipeline.config import RunConfig
from hm_pipeline.frozen import Frozen, digest_of
from tasks.code import code_digest

ROOMS = ("data", "index", "models", "training", "retrieval", "evaluation", "registry", "config.py")


class Run(Frozen):
    """The resolved configuration travels with the run; nobody reads it a second time."""

    config: RunConfig
    day: date  # the run date D: reads the days that end with D-1
    inputs: str  # digest of the raw files of the window, by name, size and version
    redo: bool = False  # decide again a day that was decided under other inputs

    @property
    def market(self) -> str:
        """The market's name."""
        return self.config.market.name

    @property
    def digest(self) -> str:
        """The same inputs, configuration and code have the same digest, and the same results."""
        return digest_of(
            self.market, str(self.day), self.inputs, self.config.fingerprint(), code_digest(*ROOMS)
        )
