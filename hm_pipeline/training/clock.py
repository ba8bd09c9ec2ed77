"""What the time says to a training: that it is up, or that a kill would cost too much by now."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hm_pipeline.training.ranks import Ranks

SAVE_SECONDS = 600.0  # between two checkpoints where a look is further off; an epoch may take hours


@dataclass
class Clock:
    """The first rank's, which is everybody's; to ask it is to wait for the device."""

    ranks: Ranks
    every: int  # steps between two questions where there are several to ask
    should_stop: Callable[[], bool]
    saved: float = field(default_factory=time.monotonic)

    def asked(self, step: int) -> tuple[bool, bool]:
        """Whether time is up, and whether it is time to save."""
        if not self.ranks.joined:
            return self.should_stop(), self._waited()
        if step % self.every:
            return False, False
        stop, save = (self.ranks.is_first and ask() for ask in (self.should_stop, self._waited))
        said = self.ranks.total(int(stop) + 2 * int(save))
        return said % 2 == 1, said >= 2

    def _waited(self) -> bool:
        return time.monotonic() - self.saved >= SAVE_SECONDS
