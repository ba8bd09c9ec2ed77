"""A longevity study in a process of its own, and what it computed there."""

from collections import Counter
from datetime import date
from typing import Any

from embedded import without_orchestrator
from mlflow.entities import Run
from tiny_market import MARKET

import tasks.stage
from flows.study import study
from hm_pipeline.studies.ageing import Ageing
from tasks import tracking


def run_longevity(day: date, fixed: dict[str, Any]) -> tuple[Ageing, Counter[str]]:
    """The answer, and how often something was computed, by its stage."""
    computed, real = Counter[str](), tasks.stage.publish

    def counting(storage: Any, prefix: str, *rest: Any) -> Any:
        computed[prefix.split("/")[2]] += 1
        return real(storage, prefix, *rest)

    tasks.stage.publish = counting
    with without_orchestrator():
        told = study.fn("longevity", MARKET, day, fixed=fixed)
    assert isinstance(told, Ageing)
    return told, computed


def logged() -> list[Run]:
    """The runs of the studies' experiment, the study's own first."""
    mlflow = tracking.client()
    place = tracking.experiment(mlflow, f"{MARKET}-studies")
    return list(mlflow.search_runs([place], order_by=["tags.`hm.level` ASC"]))
