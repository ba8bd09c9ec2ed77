"""A study's own values: what a log can tell, the answer of all variants, where it is found again."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from prefect import task
from pydantic import TypeAdapter

from hm_pipeline.config import RunConfig, load
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.traits import Traits, traits
from hm_pipeline.errors import NotThereError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.profile_figure import item_profiles
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.models.release import Release
from hm_pipeline.studies.answer import Answer, Measured, answer, first_evaluations
from hm_pipeline.studies.page import Told, drawn, page
from hm_pipeline.studies.study import Declared, Study, declared
from hm_pipeline.studies.study import load as load_study
from hm_pipeline.studies.variants import Variant
from tasks.evaluate import load_evaluation
from tasks.order import Order
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept

ROOMS = ("data", "evaluation", "studies", "config.py")
ITEMS = "items.png"  # what the settings recommend, by rank; only where lists were made
_OWN = "study."  # before a key of the declaration, among paths of the configuration
_TOLD: TypeAdapter[Told] = TypeAdapter(Told)


class Asked(Frozen):
    """A variant on its way through training and evaluation."""

    variant: Variant
    run: Run
    samples: Stored[Samples]

    @property
    def order(self) -> Order:
        """Its fit."""
        return Order(run=self.run, samples=self.samples, kind=self.variant.setting.model)


@task(name="declare")
def declare(
    name: str, market: str, profile: str | None, fixed: dict[str, Any], seeds: Sequence[int]
) -> tuple[Declared, RunConfig]:
    """The declaration and the market's configuration, both read here, once. ConfigError.

    `fixed` are paths of the configuration that this time have other values, the same for all variants;
    study.KEY is a key of the declaration itself. `seeds` others than the study's, where there are any.
    """
    study = _otherwise(load_study(settings().config, name), fixed, seeds)
    return study, load(settings().config, market, profile or study.profile)


def _otherwise(study: Declared, values: dict[str, Any], seeds: Sequence[int]) -> Declared:
    own = {path.removeprefix(_OWN): v for path, v in values.items() if path.startswith(_OWN)}
    paths = {path: value for path, value in values.items() if not path.startswith(_OWN)}
    given = study.model_dump() | own | ({"seeds": tuple(seeds)} if seeds else {})
    whole = declared(given, f"study {study.name}")
    return declared(given | {"fixed": whole.fixed | paths}, f"study {study.name}")


@task(name="traits", **ON_STORAGE)
def log_traits(run: Run, window: Stored[InteractionLog]) -> Stored[Traits]:
    """What the window's log can tell about time and order."""
    config = run.config.samples

    def produce(folder: Path) -> dict[str, Any]:
        log = InteractionLog.load(window.folder() / "log")
        return {"traits": traits(log, config.interaction_events, config.seed).model_dump(mode="json")}

    made_from = [window.prefix, config.model_dump(mode="json")]
    return kept(run, "traits", made_from, ("data",), produce, title="what the log can tell")


@task(name="answer", **ON_STORAGE)
def settle(
    run: Run,
    study: Study,
    known: Mapping[str, Stored[Traits]],
    asked: Sequence[Asked],
    fits: Sequence[Stored[Release]],
    scores: Sequence[Stored[Evaluation]],
) -> Stored[Answer]:
    """The answer, its table and its figure; found again under the study's name, market and day.

    `known` by `Setting.log`, the first log first: several where an axis is a part of the market.
    """

    def produce(folder: Path) -> dict[str, Any]:
        holdout = holdout_of(study, run)
        found = [_measured(holdout, *one) for one in zip(asked, fits, scores, strict=True)]
        first, *_ = logs = traits_of(known)
        told = answer(study, run.config, run.day, holdout, logs[first], found, logs)
        write_answer(told, folder)
        item_profiles(first_evaluations(study, found), folder / ITEMS)
        return {"study": study.name}

    read = [*(log.prefix for log in known.values()), *(score.prefix for score in scores)]
    made_from = [study.model_dump(mode="json"), run.config.profile, read]
    stored = kept(run, "study", made_from, ROOMS, produce, title=f"study {study.name}")
    remember(run, study.name, stored)
    return stored


def traits_of(known: Mapping[str, Stored[Traits]]) -> dict[str, Traits]:
    """What each log can tell."""
    return {label: Traits(**one.facts["traits"]) for label, one in known.items()}


def write_answer(told: Told, folder: Path) -> None:
    """As values, as a page and as a figure."""
    (folder / "answer.json").write_text(told.model_dump_json(indent=1), encoding="utf-8")
    (folder / "answer.md").write_text(page(told), encoding="utf-8")
    drawn(told, folder / "answer.png")


def remember(run: Run, name: str, answer: Stored[Any]) -> None:
    """Where `find_answer` looks for it."""
    place = json.dumps({"prefix": answer.prefix}).encode()
    settings().storage.write(f"{run.market}/studies/{name}/{run.day}.json", place)


def _measured(holdout: str, asked: Asked, fit: Stored[Release], score: Stored[Evaluation]) -> Measured:
    variant = asked.variant
    return Measured(
        setting=variant.setting,
        seed=variant.seed,
        fit=digest_of(asked.samples.facts["digest"], asked.order.config.model_dump(mode="json")),
        seconds=fit.facts["seconds"],
        evaluation=load_evaluation(score, holdout),
        cut=was_cut(fit),
        facts=fit.facts["report"]["facts"],
    )


def was_cut(fit: Stored[Release]) -> bool:
    """By the clock: a study has none, but reads what a night has fitted."""
    return bool(fit.facts["report"]["stopped"] == "time")


def holdout_of(study: Study, run: Run) -> str:
    """Whom the protocol asks."""
    return run.config.publish.gate_target if study.protocol == "next_day" else "test"


def read_answer(stored: Stored[Answer]) -> Answer:
    """What `settle` stored."""
    told = read_told(stored)
    assert isinstance(told, Answer)
    return told


def read_told(stored: Stored[Any]) -> Told:
    """An answer of any kind of study."""
    return _TOLD.validate_json((stored.folder() / "answer.json").read_bytes())


def find_answer(name: str, market: str, day: date | None) -> Stored[Told]:
    """The answer of a day, or the latest day's. NotThereError says which days there are."""
    entries = settings().storage.keys(f"{market}/studies/{name}")
    days = {date.fromisoformat(Path(entry.key).stem): entry.key for entry in entries}
    if not days or day not in {None, *days}:
        raise NotThereError(
            f"study {name} of {market} has no answer{f' of {day}' if day else ''}; answered: "
            f"{', '.join(map(str, sorted(days))) or 'never'}. "
            f"Run: hm study {name} --market {market} --day DAY"
        )
    return Stored(prefix=json.loads(settings().storage.read(days[day or max(days)]))["prefix"])
