"""How fast it goes, for the eye only: no result depends on a clock."""

import time
from collections import deque
from collections.abc import Callable

SECONDS = 10.0  # that a rate is the mean of


class Pace:
    """Targets a second over the last seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: deque[tuple[float, int]] = deque()

    def note(self, targets: int) -> str:
        """`9,800 targets/s`, two digits of it, when `targets` are done in all; empty at the first look."""
        now = self.clock()
        while len(self.seen) > 1 and self.seen[1][0] <= now - SECONDS:
            self.seen.popleft()
        self.seen.append((now, targets))
        (since, before), seconds = self.seen[0], now - self.seen[0][0]
        return f"{float(f'{(targets - before) / seconds:.2g}'):,.0f} targets/s" if now > since else ""
