"""What was measured, one JSON line each, so that a killed run continues and a table needs nothing else.

trial    one configuration on validation: what the choice is made on
result   the chosen configuration on test: read once
memory   the chosen configuration fitted for a while: what it holds, where its trial does not say
pair     two results of one log, user by user
"""

from typing import Annotated, Literal

from lines import Lines
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
    peak_mib: float | None = None  # while it was fitted and asked; None in trials from before it was watched


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


class Memory(Frozen):
    """The most that a process held while it fitted a configuration for a while and asked it."""

    record: Literal["memory"] = "memory"
    log: str
    model: str
    samples: str
    config: ModelConfig
    peak_mib: float
    seconds: float  # of the fit, a part of the whole one


class Pair(Frozen):
    """HR of a minus HR of b, mean and standard error over the same users."""

    record: Literal["pair"] = "pair"
    log: str
    a: str
    b: str
    samples: str
    configs: tuple[str, str]  # fingerprints of what was compared
    difference: Estimate


Record = Annotated[Trial | Result | Memory | Pair, Field(discriminator="record")]


class Journal(Lines[Record]):
    """What was measured, by question."""

    kind: TypeAdapter[Record] = TypeAdapter(Record)

    def trials(self, log: str, model: str, samples: str) -> dict[str, Trial]:
        """By the fingerprint of the configuration."""
        mine = (t for t in self.all() if isinstance(t, Trial) and (t.log, t.model) == (log, model))
        return {t.config.fingerprint(): t for t in mine if t.samples == samples}

    def results(self, log: str, samples: str | None = None) -> dict[str, Result]:
        """The newest of each model."""
        mine = (r for r in self.all() if isinstance(r, Result) and r.log == log)
        return {r.model: r for r in mine if samples in (None, r.samples)}

    def peak(self, result: Result) -> float | None:
        """MiB of the fit behind a result: of a probe, else of the trial itself."""
        trial = self.trials(result.log, result.model, result.samples).get(result.config.fingerprint())
        key = (result.log, result.model, result.samples, result.config)
        probes = (m for m in self.all() if isinstance(m, Memory))
        probed = [m.peak_mib for m in probes if (m.log, m.model, m.samples, m.config) == key]
        return probed[-1] if probed else trial.peak_mib if trial else None

    def pairs(self, log: str) -> dict[tuple[str, str], Pair]:
        """The newest of each two models."""
        return {(p.a, p.b): p for p in self.all() if isinstance(p, Pair) and p.log == log}
