"""One log: try each model's configurations on validation, then ask the chosen one the test question once."""

import time
from dataclasses import dataclass
from pathlib import Path

from display import live, say
from grids import Model, grid
from logs import Source, load
from records import Journal, Pair, Result, Trial

from hm_pipeline.data.build import SampleConfig, build
from hm_pipeline.data.samples import Samples
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation, evaluate
from hm_pipeline.evaluation.paired import paired
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Progress
from hm_pipeline.retrieval.answer import answer

K = 14
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
        with live() as progress:
            context = FitContext(
                k=K,
                progress=progress,
                checkpoints=folder / "checkpoints",
                on_checkpoint=clock.note,
                should_stop=clock.is_up,
            )
            fitted = fit(config, self.samples, context)
            clock.note()
            release = Release(config, fitted.model, self.samples.items, self.samples.users)
            release.save(folder / "release")
            evaluation = self._asked(release, "validation", progress)
        trial = Trial(
            log=self.source.name,
            model=model,
            samples=self.samples.digest,
            config=config,
            validation={name: evaluation.metrics[name] for name in VALIDATED},
            seconds=clock.seconds(),
            report=fitted.report,
        )
        self.journal.add(trial)
        return trial

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


def best(trials: list[Trial]) -> Trial:
    """The best on validation, ties to the one declared first."""
    return max(trials, key=lambda trial: trial.validation["hr"].mean or 0.0)
