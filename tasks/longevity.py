"""The champions of the last fortnight on tonight's arrivals: how fast models age."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect import task
from pydantic import TypeAdapter

from hm_pipeline.data.samples import Samples
from hm_pipeline.errors import DamagedError, ModelError, NotThereError
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.longevity import Asked, Point, Pooled, curve, points
from hm_pipeline.registry.ledger import Decision, ModelRef
from hm_pipeline.registry.state import before
from hm_pipeline.storage import find
from tasks import ledger
from tasks.evaluate import evaluate_release, load_evaluation
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept, stored

NIGHTS = 14  # run dates whose champions are asked
POOLED = 90  # decided nights whose points make the curve
_POINTS = TypeAdapter(tuple[Point, ...])

Longevity = tuple[Point, ...]


def longevity(
    run: Run, samples: Stored[Samples], champion: ModelRef | None, own: Stored[Evaluation] | None
) -> Stored[Longevity]:
    """Tonight's points. `own` is the evaluation that the champion has already; the others get one holdout.

    Who cannot be asked any more is named under `skipped` of the facts.
    """
    asked, answers, skipped = [], [], []
    for ref in champions(before(ledger.entries(run.market), run.day).decisions, run.day):
        try:
            answers.append(_answer(run, samples, ref, champion, own))
            asked.append(ref)
        except NotThereError:
            skipped.append(f"{_name(ref)} is past retention")
        except (ModelError, DamagedError) as error:  # an old model is no reason to fail a night
            skipped.append(f"{_name(ref)}: {error}")
    return measure_longevity(run, samples, asked, answers, skipped, own)


def champions(decisions: Mapping[date, Decision], day: date) -> list[ModelRef]:
    """Whom the run dates of the fortnight before `day` promoted, each release once, the newest first."""
    fortnight = (day - timedelta(days=back) for back in range(1, NIGHTS + 1))
    refs = (decisions[d].champion for d in fortnight if d in decisions)
    return list({ref.uri: ref for ref in refs if ref is not None}.values())


def _answer(
    run: Run,
    samples: Stored[Samples],
    ref: ModelRef,
    champion: ModelRef | None,
    own: Stored[Evaluation] | None,
) -> Stored[Evaluation]:
    if own is not None and champion is not None and champion.uri == ref.uri:
        return own
    return evaluate_release(run, samples, stored(ref.uri), _name(ref), (run.config.publish.gate_target,))


def _name(ref: ModelRef) -> str:
    return f"{ref.kind} of {ref.day}"


@task(name="longevity", **ON_STORAGE)
def measure_longevity(
    run: Run,
    samples: Stored[Samples],
    asked: list[ModelRef],
    answers: list[Stored[Evaluation]],
    skipped: list[str],
    own: Stored[Evaluation] | None,
) -> Stored[Longevity]:
    """A point a champion that answered; `own` is accounted for elsewhere."""
    made_from = [
        [[ref.model_dump(mode="json"), a.prefix] for ref, a in zip(asked, answers, strict=True)],
        skipped,
        samples.prefix,
    ]

    def produce(folder: Path) -> dict[str, Any]:
        target = run.config.publish.gate_target
        found = points(
            run.day - timedelta(days=1),
            [
                Asked(ref.kind, ref.version, _learned(ref), load_evaluation(answer, target))
                for ref, answer in zip(asked, answers, strict=True)
            ],
        )
        (folder / "points.json").write_bytes(_POINTS.dump_json(found, indent=1))
        said = f"{len(found)} champions, {len(skipped)} skipped"
        return {
            "data": samples.facts["digest"],
            "points": _POINTS.dump_python(found, mode="json"),
            "skipped": skipped,
            "asked_seconds": sum(
                a.facts["took"]["seconds"] for a in answers if own is None or a.prefix != own.prefix
            ),
            "said": said,
        }

    return kept(run, "longevity", made_from, ("data", "evaluation"), produce)


def _learned(ref: ModelRef) -> date:
    """The last day a release learned; one that does not say was refitted on all days before its run date."""
    told = stored(ref.uri).facts.get("learned")
    return date.fromisoformat(told["last_day"]) if told else ref.day - timedelta(days=1)


def load_longevity(tonight: Stored[Longevity]) -> Longevity:
    """A night's points."""
    return _told(tonight.facts)


@task(name="pool longevity", **ON_STORAGE)
def pooled(run: Run, tonight: Stored[Longevity]) -> tuple[Pooled, ...]:
    """The curve over age of tonight and of the decided nights before it."""
    past = before(ledger.entries(run.market), run.day).decisions
    recent = [past[d] for d in sorted(past, reverse=True)[: POOLED - 1]]
    found = [point for decision in recent for point in _points_of(run.market, decision)]
    return curve([*load_longevity(tonight), *found])


def _points_of(market: str, decision: Decision) -> Longevity:
    """What a decided night stored, from the data that it was decided on."""
    found = [facts for facts in _stored_facts(market, decision.day) if facts.get("data") == decision.data]
    return _told(found[-1]) if found else ()


def _stored_facts(market: str, day: date) -> Iterator[dict[str, Any]]:
    for entry in settings().storage.keys(f"{market}/{day}/longevity"):
        if entry.key.endswith("/manifest.json"):
            manifest = find(settings().storage, entry.key.removesuffix("/manifest.json"))
            if manifest is not None:
                yield manifest.facts


def _told(facts: Mapping[str, Any]) -> Longevity:
    return _POINTS.validate_python(facts["points"], strict=False)
