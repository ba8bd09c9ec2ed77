"""A fit as a value: what one process does, or several together, here or where torchrun started them."""

import time
from collections.abc import Callable
from pathlib import Path

from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.fitting import FitContext, FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.progress import Progress
from tasks.checkpoints import Mirror
from tasks.measure import measured
from tasks.spent import Spending

JOB, DONE = "job.json", "done.json"  # a job and how it went, where several processes do it


class Done(Frozen):
    """How a job went."""

    report: FitReport
    peak_mb: float  # of all its processes together


class Job(Frozen):
    """What to fit, from where and into where: folders that all its processes see."""

    config: ModelConfig
    samples: Path
    release: Path
    checkpoints: Path
    copied_to: str = ""  # the key of their copy in the bucket, where there is one
    k: int
    refit: FitReport | None = None
    stop_at_step: int | None = None
    minutes: float | None = None  # from now, after which it competes with its best checkpoint
    spent: float = 0.0  # seconds of earlier processes that fitted it

    def fit(self, progress: Progress, *, saves: bool = True) -> Done:
        """Fit, and leave the release where it belongs; of several ranks one saves."""
        known = Samples.load(self.samples)
        with measured() as cost:
            fitted = fit(self.config, known, self._context(progress))
        if saves:
            Release(self.config, fitted.model, known.items, known.users).save(self.release)
        return Done(report=fitted.report, peak_mb=cost.peak_mb)

    def _context(self, progress: Progress) -> FitContext:
        spending, mirror = Spending(self.checkpoints, self.spent), Mirror(self.checkpoints, self.copied_to)

        def keep() -> None:
            spending.note()
            mirror.keep()

        return FitContext(
            k=self.k,
            progress=progress,
            checkpoints=self.checkpoints,
            on_checkpoint=keep,
            should_stop=_deadline(self.minutes),
            refit=self.refit,
            stop_at_step=self.stop_at_step,
        )


def _deadline(minutes: float | None) -> Callable[[], bool]:
    end = None if minutes is None else time.monotonic() + 60 * minutes
    return lambda: end is not None and time.monotonic() > end
