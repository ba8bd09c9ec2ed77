"""Declarations, measurements and logs small enough to work by hand."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hm_pipeline.config import RunConfig, load
from hm_pipeline.data.traits import Traits
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.studies.answer import Answer, Measured, answer
from hm_pipeline.studies.setting import Setting
from hm_pipeline.studies.study import Study

DEPLOY = Path(__file__).parents[2] / "deploy"
DAY = date(2017, 9, 14)

TRAITS = Traits(
    users=200,
    items=40,
    interactions=3_000,
    returning=0.8,
    same_day=0.5,
    tied=0.1,
    median_length=12,
    longest=60,
    of_length={12: 150, 30: 30, 60: 20},
)
SESSIONS = TRAITS.model_copy(update={"returning": 0.0})

ORDER: dict[str, Any] = {
    "path": "samples.order",
    "values": ["correct", "day", "random"],
    "reference": "correct",
}
WIDTH: dict[str, Any] = {"path": "models.*.item_embedding", "values": [8, 16], "reference": 16}


@cache
def config(market: str = "demo", profile: str = "study") -> RunConfig:
    """A real configuration."""
    return load(DEPLOY, market, profile)


def study(**changes: Any) -> Study:
    """Of the order in which an lstm learns, unless told otherwise."""
    declared = {"name": "order", "question": "Is it the order?", "models": ["lstm"], "axes": [ORDER]}
    return Study.model_validate({**declared, "seeded": ["samples.order_seed"], "metrics": ["hr"], **changes})


def evaluation(hits: Sequence[float], question: str = "q", **means: float) -> Evaluation:
    """One model's answer; the mean of `hr` is that of its hits."""
    hits_N = np.array(hits, np.float32)
    metrics = {"hr": float(hits_N.mean()), "ndcg": float(hits_N.mean()) / 2, **means}
    estimates = {name: Estimate(mean=mean) for name, mean in metrics.items()}
    return Evaluation("demo", "leave_last_out", "test", 14, question, 0, 0, estimates, hits_N, hits_N / 2)


def setting(study: Study, *labels: str, model: str = "") -> Setting:
    """The setting with these labels of its values."""
    places = tuple(
        [axis.label(v) for v in axis.values].index(label)
        for axis, label in zip(study.axes, labels, strict=True)
    )
    return Setting(model=model or study.models[0], places=places)


def measured(of: Setting, seed: int, scored: Evaluation, fit: str = "", seconds: float = 2.0) -> Measured:
    """One fit; `fit` names it where it is the same for several seeds."""
    return Measured(of, seed, fit or f"{of} {seed}", seconds, scored)


def answered(of: Study, found: Sequence[Measured], traits: Traits = TRAITS) -> Answer:
    """What a study on the market `demo` found."""
    return answer(of, config(), DAY, "test", traits, found)


def by_seed(study: Study, hits: dict[str, list[list[float]]], **means: float) -> list[Measured]:
    """For each value of the one axis, the hits of each seed in turn."""
    return [
        measured(setting(study, label), seed, evaluation(row, **means))
        for label, rows in hits.items()
        for seed, row in zip(study.seeds, rows, strict=True)
    ]
