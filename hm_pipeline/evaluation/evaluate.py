"""Recommendations against what came next: every metric of docs/definitions.md, at every level."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from hm_pipeline.data.arrays import Float32
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout, Samples
from hm_pipeline.evaluation import accuracy, diversity
from hm_pipeline.evaluation.attributes import Level, attribute_level, item_level
from hm_pipeline.evaluation.estimate import Estimate, average
from hm_pipeline.evaluation.item_profile import ItemProfile

_FACTS = ("market", "protocol", "holdout", "k", "question", "oov_rate", "cold_rate")
_PROFILE = "profile.json"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How one model answered one holdout."""

    market: str
    protocol: str
    holdout: str  # "test", "first", "last", "validation"
    k: int
    question: str  # digest of who was asked what: only equal questions can be compared
    oov_rate: float  # share of targets outside the vocabulary: misses for everybody
    cold_rate: float  # share of users without any known item in their history
    metrics: dict[str, Estimate]
    hits: Float32  # (N,) 1 where the list held the target, in the order of the holdout
    ndcg: Float32  # (N,)
    profile: ItemProfile | None = None  # of the items shown; None in evaluations of older code

    @property
    def n(self) -> int:
        """Users asked, those without a list among them."""
        return len(self.hits)

    def save(self, folder: Path) -> None:
        """evaluation.json, hits.npy, ndcg.npy, profile.json."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "hits.npy", self.hits)
        np.save(folder / "ndcg.npy", self.ndcg)
        metrics = {name: estimate.model_dump() for name, estimate in self.metrics.items()}
        head = {name: getattr(self, name) for name in _FACTS} | {"n": self.n, "metrics": metrics}
        (folder / "evaluation.json").write_text(json.dumps(head, indent=1))
        if self.profile is not None:
            (folder / _PROFILE).write_text(self.profile.model_dump_json(indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        head = json.loads((folder / "evaluation.json").read_text())
        metrics = {name: Estimate(**estimate) for name, estimate in head["metrics"].items()}
        facts = {name: head[name] for name in _FACTS}
        hits, ndcg = np.load(folder / "hits.npy"), np.load(folder / "ndcg.npy")
        return cls(**facts, metrics=metrics, hits=hits, ndcg=ndcg, profile=_profile(folder / _PROFILE))


def evaluate(
    recommendations: Recommendations, holdout: Holdout, samples: Samples, k: int = 14, *, name: str = "test"
) -> Evaluation:
    """Score the lists, row by row, against the holdout called `name`.

    Lists are in the vocabulary of `samples`; the first k places count, a narrower list is short.
    """
    assert len(recommendations) == len(holdout), "one list a row of the holdout"
    items = item_level(recommendations, holdout, samples, k)
    metrics = dict(_measured(items, ""))
    metrics["empty_lists"] = average(diversity.empty(items.places))
    metrics["short_lists"] = average(diversity.short(items.places))
    for attribute in samples.attributes:
        metrics |= _measured(attribute_level(items, attribute, holdout, samples), f"_{attribute}")
    return Evaluation(
        market=samples.market,
        protocol=samples.protocol,
        holdout=name,
        k=k,
        question=_question(holdout),
        oov_rate=holdout.oov_rate,
        cold_rate=holdout.cold_rate,
        metrics=metrics,
        hits=accuracy.hits(items.ranks).astype(np.float32),
        ndcg=accuracy.ndcg(items.ranks).astype(np.float32),
        profile=ItemProfile.of(items.places, samples),
    )


def published(evaluation: Evaluation) -> dict[str, float]:
    """Everything by the names MLflow gets (it refuses `@`): hr_at_14, hr_at_14_se, …; nulls are left out."""
    figures: dict[str, float | None] = {
        "targets": evaluation.n,
        "oov_rate": evaluation.oov_rate,
        "cold_rate": evaluation.cold_rate,
    }
    for metric, estimate in evaluation.metrics.items():
        figures[published_name(metric, evaluation.k)] = estimate.mean
        figures[published_name(metric, evaluation.k) + "_se"] = estimate.se
    return {name: float(figure) for name, figure in figures.items() if figure is not None}


def published_name(metric: str, k: int) -> str:
    """`hr` of lists of 14 is hr_at_14."""
    return f"{metric}_at_{k}"


def _profile(file: Path) -> ItemProfile | None:
    return ItemProfile.model_validate_json(file.read_text()) if file.exists() else None


def _measured(level: Level, suffix: str) -> Iterator[tuple[str, Estimate]]:
    for name, measure in METRICS.items():
        estimate = measure(level)
        if estimate is not None:
            yield name + suffix, estimate


def _novelty_sales(level: Level) -> Estimate | None:
    return None if level.sales is None else diversity.novelty(level.places, level.sales)


METRICS: dict[str, Callable[[Level], Estimate | None]] = {
    "hr": lambda level: average(accuracy.hits(level.ranks)),
    "precision": lambda level: average(accuracy.precision(level.matches, level.places.shape[1])),
    "ndcg": lambda level: average(accuracy.ndcg(level.ranks)),
    "mrr": lambda level: average(accuracy.reciprocal_rank(level.ranks)),
    "coverage": lambda level: diversity.coverage(level.sets, level.size),
    "overlap": lambda level: diversity.overlap(level.sets),
    "personalization": lambda level: diversity.personalization(level.sets),
    "novelty": lambda level: diversity.novelty(level.places, level.counts),
    "novelty_sales": _novelty_sales,
}


def _question(holdout: Holdout) -> str:
    content = hashlib.sha256()
    for array in (
        holdout.histories.users,
        holdout.histories.lengths,
        holdout.histories.last,
        holdout.targets,
    ):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()[:12]
