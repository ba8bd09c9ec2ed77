"""What was measured, one JSON line each, so that a killed run continues and a table needs nothing else.

trial    one configuration on validation: what the choice is made on
result   the chosen configuration on test: read once
pair     two results of one log, user by user
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fitting import FitReport


class Trial(Frozen):
    """One configuration, fitted on the training split and asked the validation question."""

    record: Literal["trial"] = "trial"
    log: str
    model: str
    samples: str  # digest of what it was fitted on and asked
    config: ModelConfig
    validation: dict[str, Estimate]
    seconds: float  # wall clock of the fit, over all the runs it took
    report: FitReport


class Result(Frozen):
    """The configuration that validation chose, asked the test question."""

    record: Literal["result"] = "result"
    log: str
    model: str
    samples: str
    config: ModelConfig
    users: int
    metrics: dict[str, Estimate]
    seconds: float  # of the chosen fit
    answer_seconds: float  # of all test lists
    facts: dict[str, float]


class Pair(Frozen):
    """HR of a minus HR of b, mean and standard error over the same users."""

    record: Literal["pair"] = "pair"
    log: str
    a: str
    b: str
    samples: str
    configs: tuple[str, str]  # fingerprints of what was compared
    difference: Estimate


Record = Annotated[Trial | Result | Pair, Field(discriminator="record")]
_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


class Journal:
    """The file of records; every question reads it anew, as two runs may share it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, record: Record) -> None:
        """One line, appended in one write."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as lines:
            lines.write(record.model_dump_json() + "\n")

    def trials(self, log: str, model: str, samples: str) -> dict[str, Trial]:
        """By the fingerprint of the configuration."""
        mine = (t for t in self._all() if isinstance(t, Trial) and (t.log, t.model) == (log, model))
        return {t.config.fingerprint(): t for t in mine if t.samples == samples}

    def results(self, log: str, samples: str | None = None) -> dict[str, Result]:
        """The newest of each model."""
        mine = (r for r in self._all() if isinstance(r, Result) and r.log == log)
        return {r.model: r for r in mine if samples in (None, r.samples)}

    def pairs(self, log: str) -> dict[tuple[str, str], Pair]:
        """The newest of each two models."""
        return {(p.a, p.b): p for p in self._all() if isinstance(p, Pair) and p.log == log}

    def _all(self) -> Iterator[Record]:
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                if line.endswith("}"):  # a killed run leaves half a line
                    yield _RECORD.validate_json(line)
