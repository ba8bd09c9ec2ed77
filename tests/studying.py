"""Studies of the tiny market, each asked in a process of its own, where one may be killed.

asked = ask(world, "width")               the answer, and what was computed for it
died = ask_and_die(world, "width", point)
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from elsewhere import KilledError, elsewhere
from embedded import World, without_orchestrator
from killing import POINTS, _die, _fatal
from tiny_market import MARKET, NIGHTS

import tasks.stage
import tasks.study
import tasks.study_log
from hm_pipeline.studies.answer import Answer

DAY = NIGHTS[0]

DECLARED = {
    "order": """
question = "Is it the order?"
models = ["popularity", "itemknn"]
seeds = [1, 2]
seeded = ["samples.order_seed"]
metrics = ["hr", "coverage"]

[[axes]]
path = "samples.order"
values = ["correct", "day", "random"]
reference = "correct"
""",
    "width": """
question = "How wide must an item's vector be?"
models = ["lstm"]
seeds = [1, 2]
metrics = ["hr", "coverage"]

[[axes]]
path = "models.*.item_embedding"
values = [8, 16]
reference = 16
""",
    "window": """
question = "How far back should we look?"
models = ["itemknn"]
seeds = [1]
metrics = ["hr"]

[[axes]]
path = "market.window_days"
values = [6, 8]
reference = 8
""",
    "neighbours": """
question = "How many neighbours does the night's model need?"
models = ["itemknn"]
protocol = "next_day"
metrics = ["hr"]

[[axes]]
path = "models.*.max_neighbours"
values = [1, 5]
reference = 1
""",
}

POINTS_OF_A_STUDY: dict[str, Callable[[Callable[[], None]], None]] = {
    **{
        name: POINTS[name]
        for name in (
            "in mid-epoch",
            "in mid-checkpoint",
            "before the manifest of samples 1",
            "after the first file of model 1",
            "before the manifest of model 4",
            "before the manifest of evaluation 4",
        )
    },
    "before the answer is remembered": _fatal(tasks.study, "remember"),
    "while a variant is logged": _fatal(tasks.study_log, "open_run", nth=3, after=True),
}


@dataclass(frozen=True)
class Studied:
    """What a study found, and how often something was computed for it, by its stage."""

    told: Answer
    computed: Counter[str]


def declare_all(world: World) -> None:
    """Write the declarations."""
    for name, text in DECLARED.items():
        declare(world, name, text)


def declare(world: World, name: str, text: str) -> None:
    """Write one."""
    file = world.folder / "config" / "studies" / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def ask(world: World, name: str, **more: Any) -> Studied:
    """The study, run to its end."""
    return elsewhere(world, _ask, name, more)


def ask_and_die(world: World, name: str, point: str) -> None:
    """The study, killed at a point; fails where it never came to it."""
    (world.folder / "reached").unlink(missing_ok=True)
    with pytest.raises(KilledError):
        elsewhere(world, _ask_and_die, world, name, point)
    assert (world.folder / "reached").read_text() == point


def _ask(name: str, more: dict[str, Any]) -> Studied:
    import torch

    from flows.study import study

    torch.set_num_threads(1)
    computed, real = Counter[str](), tasks.stage.publish

    def counting(storage: Any, prefix: str, *rest: Any) -> Any:
        computed[prefix.split("/")[2]] += 1
        return real(storage, prefix, *rest)

    with without_orchestrator(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.stage, "publish", counting)
        told = study.fn(name, MARKET, DAY, **more)
    assert isinstance(told, Answer)
    return Studied(told, computed)


def _ask_and_die(world: World, name: str, point: str) -> None:
    POINTS_OF_A_STUDY[point](lambda: _die(world, point))
    _ask(name, {})
