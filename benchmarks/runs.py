"""One log: try each model's configurations on validation, then ask the chosen one the test question once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from display import live, say
from grids import Model, grid
from logs import Source, load
from memory import watched
from records import Journal, Memory, Pair, Result, Trial

from hm_pipeline.data.build import build
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate
from hm_pipeline.evaluation.paired import paired
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext, FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Progress
from hm_pipeline.retrieval.answer import answer

K = 14
PROBE_STEPS, PROBE_SECONDS = 16, 20.0  # of a net and of the CPU, both, to see what its fit holds
VALIDATED = ("hr", "ndcg", "coverage", "personalization")


@dataclass(frozen=True, eq=False)
class Bench:
    """One log under protocol A, and where its results go."""

    source: Source
    samples: Samples
    journal: Journal
    work: Path  # checkpoints, releases, evaluations
    max_minutes: float | None = None  # of one fit

    @classmethod
    def open(
        cls, source: Source, root: Path, journal: Journal, work: Path, max_minutes: float | None
    ) -> "Bench":
        """Read the log and cut it."""
        log, catalogue = load(source, root)
        samples = build(log, catalogue, SampleConfig(), "leave_last_out")
        return cls(source, samples, journal, work / source.name, max_minutes)

    def folder(self, model: str, config: ModelConfig) -> Path:
        """Where one configuration's files lie."""
        return self.work / model / f"{config.fingerprint()}-{self.samples.digest}"

    def configs(self, model: Model) -> tuple[ModelConfig, ...]:
        """The model's grid."""
        return grid(self.source, model, lambda other: best(self.tried(other)).config)

    def tried(self, model: Model) -> list[Trial]:
        """The trials of the whole grid; what was tried before is read, not done again."""
        known = self.journal.trials(self.source.name, model, self.samples.digest)
        trials = []
        for config in self.configs(model):
            trials.append(known.get(config.fingerprint()) or self._try(model, config))
            self._tell(trials[-1])
        return trials

    def result(self, model: Model) -> Result:
        """The chosen configuration against the test holdout; what was read before is not read again."""
        chosen = best(self.tried(model))
        known = self.journal.results(self.source.name, self.samples.digest).get(model)
        if known and known.config == chosen.config:
            return known
        if not (self.folder(model, chosen.config) / "release").exists():  # measured elsewhere
            chosen = self._try(model, chosen.config)
        return self._read_test(chosen)

    def unwatched(self) -> list[Model]:
        """The models with a result of which nobody knows what they held."""
        known = self.journal.results(self.source.name, self.samples.digest)
        return [m for m in get_args(Model) if m in known and self.journal.peak(known[m]) is None]

    def probe(self, model: Model) -> Memory:
        """What the chosen configuration holds, seen in a part of its fit."""
        config = self.journal.results(self.source.name, self.samples.digest)[model].config
        with TemporaryDirectory() as folder, watched() as peak:
            clock = Clock(Path(folder) / "seconds", None)
            self._fit(config, Path(folder), clock, Probe().is_over)
        memory = Memory(
            log=self.source.name,
            model=model,
            samples=self.samples.digest,
            config=config,
            peak_mib=peak.mib,
            seconds=clock.seconds(),
        )
        self.journal.add(memory)
        return memory

    def pair_all(self) -> None:
        """The paired difference of every two results that has not been worked out."""
        results = list(self.journal.results(self.source.name, self.samples.digest).values())
        results = [result for result in results if self._evaluation_file(result).exists()]
        known = self.journal.pairs(self.source.name)
        for a in results:
            for b in results:
                configs = (a.config.fingerprint(), b.config.fingerprint())
                pair = known.get((a.model, b.model))
                if a.model != b.model and (pair is None or pair.configs != configs):
                    self.journal.add(self._pair(a, b))

    def _pair(self, a: Result, b: Result) -> Pair:
        d = paired(self._evaluation(a), self._evaluation(b))
        return Pair(
            log=self.source.name,
            a=a.model,
            b=b.model,
            samples=self.samples.digest,
            configs=(a.config.fingerprint(), b.config.fingerprint()),
            difference=Estimate(mean=d.mean, se=d.se),
        )

    def _try(self, model: Model, config: ModelConfig) -> Trial:
        folder = self.folder(model, config)
        clock = Clock(folder / "seconds", self.max_minutes)
        with watched() as peak:
            report, evaluation = self._fit(config, folder, clock, clock.is_up)
        trial = Trial(
            log=self.source.name,
            model=model,
            samples=self.samples.digest,
            config=config,
            validation={name: evaluation.metrics[name] for name in VALIDATED},
            seconds=clock.seconds(),
            report=report,
            peak_mib=peak.mib,
        )
        self.journal.add(trial)
        return trial

    def _fit(
        self, config: ModelConfig, folder: Path, clock: "Clock", should_stop: Callable[[], bool]
    ) -> tuple[FitReport, Evaluation]:
        """Fit, keep the release, ask the validation question."""
        with live() as progress:
            context = FitContext(
                k=K,
                progress=progress,
                checkpoints=folder / "checkpoints",
                on_checkpoint=clock.note,
                should_stop=should_stop,
            )
            fitted = fit(config, self.samples, context)
            clock.note()
            release = Release(config, fitted.model, self.samples.items, self.samples.users)
            release.save(folder / "release")
            return fitted.report, self._asked(release, "validation", progress)

    def _read_test(self, chosen: Trial) -> Result:
        model, config = chosen.model, chosen.config
        release = Release.load(self.folder(model, config) / "release")
        started = time.monotonic()
        with live() as progress:
            evaluation = self._asked(release, "test", progress)
        seconds = time.monotonic() - started
        result = Result(
            log=self.source.name,
            model=model,
            samples=self.samples.digest,
            config=config,
            users=evaluation.n,
            metrics=evaluation.metrics,
            seconds=chosen.seconds,
            answer_seconds=seconds,
            facts=chosen.report.facts,
        )
        evaluation.save(self._evaluation_file(result).parent)
        self.journal.add(result)
        return result

    def _asked(self, release: Release, name: str, progress: Progress) -> Evaluation:
        holdout, known = self.samples.holdouts[name], self.samples
        lists = answer(release, holdout.histories, known.items, known.users, K, progress=progress)
        return evaluate(lists, holdout, known, K, name=name)

    def _evaluation_file(self, result: Result) -> Path:
        return self.folder(result.model, result.config) / "test" / "evaluation.json"

    def _evaluation(self, result: Result) -> Evaluation:
        return Evaluation.load(self._evaluation_file(result).parent)

    def _tell(self, trial: Trial) -> None:
        hr = trial.validation["hr"]
        differs = trial.config.model_dump(exclude_defaults=True, exclude={"kind"})
        say(f"{trial.log}  {trial.model}  validation hr {hr.mean:.4f} ±{hr.se:.4f}  "
            f"{trial.seconds:,.1f} s  {differs or 'defaults'}")  # fmt: skip


class Clock:
    """How long a fit has taken, over all the runs it took."""

    def __init__(self, file: Path, max_minutes: float | None) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.limit = file, None if max_minutes is None else 60 * max_minutes
        self.before = float(file.read_text()) if file.exists() else 0.0
        self.started = time.monotonic()
        self.noted = self.before

    def seconds(self) -> float:
        """As of the last note."""
        return self.noted

    def note(self) -> None:
        """Remember how long it has been, across a kill."""
        self.noted = self.before + time.monotonic() - self.started
        self.file.write_text(str(self.noted))

    def is_up(self) -> bool:
        """Whether the fit had its time."""
        return self.limit is not None and self.before + time.monotonic() - self.started > self.limit


class Probe:
    """A part of a fit that is long enough to see what the whole of it would hold, asked once a step."""

    def __init__(self) -> None:
        self.steps, self.until = 0, time.process_time() + PROBE_SECONDS

    def is_over(self) -> bool:
        """Whether this was the last step."""
        self.steps += 1
        return self.steps >= PROBE_STEPS and time.process_time() >= self.until


def probe(source: Source, root: Path, file: Path, work: Path, model: Model) -> None:
    """`Bench.probe`, for a process of its own."""
    memory = Bench.open(source, root, Journal(file), work, None).probe(model)
    say(f"{source.name}  {model}  peak {memory.peak_mib:,.0f} MiB in {memory.seconds:.0f} s")


def best(trials: list[Trial]) -> Trial:
    """The best on validation, ties to the one declared first."""
    return max(trials, key=lambda trial: trial.validation["hr"].mean or 0.0)
