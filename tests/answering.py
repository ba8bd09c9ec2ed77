"""What the tests of lists share: a run, and results stored by hand."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from markov_shoppers import DAYS, FIRST_DAY

from hm_pipeline.config import load
from hm_pipeline.registry.ledger import ModelRef
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept

DAY = FIRST_DAY + timedelta(days=DAYS - 2)


def a_run(**publish: Any) -> Run:
    """Of the market `tiny`, with other values of [publish]."""
    config = load(settings().config, "tiny")
    changed = config.publish.model_copy(update=publish)
    return Run(config=config.model_copy(update={"publish": changed}), day=DAY, inputs="abc")


def store(stage: str, save: Any, **facts: Any) -> Stored[Any]:
    """Whatever `save` writes into a folder, as the result of a stage."""

    def produce(folder: Path) -> dict[str, Any]:
        save(folder)
        return facts

    return kept(a_run(), stage, [], (), produce)


def in_office(release: Stored[Any]) -> ModelRef:
    """The release as a champion."""
    return ModelRef(kind="repeat", day=DAY, version=1, uri=release.prefix)
