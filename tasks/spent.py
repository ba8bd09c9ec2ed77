"""How long a fit has taken so far: a file beside its checkpoints, so that a resumed one goes on counting."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

SPENT = "spent.json"


def spent_before(folder: Path) -> float:
    """Seconds up to the last checkpoint; 0 where nothing was begun."""
    file = folder / SPENT
    return float(json.loads(file.read_text())["seconds"]) if file.exists() else 0.0


@dataclass(frozen=True)
class Spending:
    """The clock of the process that fits now."""

    folder: Path
    before: float  # seconds of earlier processes
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """In all."""
        return self.before + time.monotonic() - self.began

    def note(self) -> None:
        """Write it down beside a checkpoint that is whole."""
        new = self.folder / f".{SPENT}"
        new.write_text(json.dumps({"seconds": round(self.seconds, 1)}))
        new.replace(self.folder / SPENT)
