"""A longevity study's own values: its nights, who is asked when, and what was heard."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.config import RunConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import EmptyWindowError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.models.release import Release
from hm_pipeline.studies.ageing import Ageing, Heard, ageing
from hm_pipeline.studies.longevity import LongevityStudy
from tasks.evaluate import load_evaluation
from tasks.order import Order
from tasks.prepare import arrived, prepare
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.samples import build_samples
from tasks.stage import Stored, kept
from tasks.study import ROOMS, read_told, remember, was_cut, write_answer


class Night(Frozen):
    """What the night after a day fits its candidates on, and asks them."""

    run: Run
    samples: Stored[Samples]

    @property
    def day(self) -> date:
        """Whose arrivals are asked."""
        return self.run.day - timedelta(days=1)


class Meeting(Frozen):
    """The model of one night on the arrivals of the same night or a later one."""

    kind: str
    own: Night
    asked: Night

    @property
    def order(self) -> Order:
        """Its fit."""
        return Order(run=self.own.run, samples=self.own.samples, kind=self.kind)


class Report(Frozen):
    """What became of a meeting."""

    kind: str
    own: date
    day: date
    seconds: float
    cut: bool
    score: Stored[Evaluation]


def night_of(config: RunConfig, day: date) -> Night:
    """The night that asks the arrivals of `day`. EmptyWindowError where nobody arrived."""
    run, window = arrived(prepare(config, day + timedelta(days=1), redo=False))
    samples = build_samples(run, window, "next_day")
    if not samples.facts["asked"][config.publish.gate_target]:
        raise EmptyWindowError("nobody arrived")
    return Night(run=run, samples=samples)


def meetings(models: Iterable[str], nights: Sequence[Night]) -> list[Meeting]:
    """Each model of each night with its own and all later ones, `nights` oldest first."""
    return [
        Meeting(kind=kind, own=own, asked=asked)
        for kind in models
        for place, asked in enumerate(nights)
        for own in nights[: place + 1]
    ]


def reports(
    met: Sequence[Meeting], fits: Sequence[Stored[Release]], scores: Sequence[Stored[Evaluation]]
) -> list[Report]:
    """One a meeting; small, since hundreds travel."""
    return [
        Report(
            kind=m.kind,
            own=m.own.day,
            day=m.asked.day,
            seconds=fit.facts["seconds"],
            cut=was_cut(fit),
            score=score,
        )
        for m, fit, score in zip(met, fits, scores, strict=True)
    ]


def run_of(config: RunConfig, day: date, nights: Sequence[Night]) -> Run:
    """The study's own run: it reads what its nights read."""
    return Run(config=config, day=day, inputs=digest_of(*(night.run.inputs for night in nights)))


@task(name="ageing", **ON_STORAGE)
def settle_ageing(
    run: Run, study: LongevityStudy, notes: Sequence[str], told: Sequence[Report]
) -> Stored[Ageing]:
    """What was found, its page and its figure; found again under the study's name, market and day."""
    target = run.config.publish.gate_target

    def produce(folder: Path) -> dict[str, Any]:
        heard = [
            Heard(one.kind, one.own, one.day, one.seconds, load_evaluation(one.score, target), one.cut)
            for one in told
        ]
        write_answer(ageing(study, run.config, run.day, target, tuple(notes), heard), folder)
        return {"study": study.name}

    scores = [one.score.prefix for one in told]
    made_from = [study.model_dump(mode="json"), run.config.profile, list(notes), scores]
    stored = kept(run, "study", made_from, ROOMS, produce, title=f"study {study.name}")
    remember(run, study.name, stored)
    return stored


def read_ageing(stored: Stored[Ageing]) -> Ageing:
    """What `settle_ageing` stored."""
    told = read_told(stored)
    assert isinstance(told, Ageing)
    return told
