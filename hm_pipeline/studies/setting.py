"""A line of a study's answer: a model with a value for each axis, and whether chance has a part in it."""

from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hm_pipeline.frozen import Frozen
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.studies.paths import named
from hm_pipeline.studies.study import Study

ORDER, ORDER_SEED = "samples.order", "samples.order_seed"
_MODEL: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)


class Setting(Frozen):
    """One line of the answer: a model, and the place of a value among those of each axis."""

    model: str
    places: tuple[int, ...] = ()

    def values(self, study: Study) -> dict[str, Any]:
        """What each axis is set to, by its path."""
        return {axis.path: axis.values[at] for axis, at in zip(study.axes, self.places, strict=True)}

    def label(self, study: Study) -> str:
        """How tables call it: what all settings share is left out."""
        return self.whole_label(study) if len(study.models) > 1 else " · ".join(self._said(study))

    def whole_label(self, study: Study) -> str:
        """The same with its model, whoever else is asked."""
        return " · ".join([self.model, *self._said(study)])

    def log(self, study: Study) -> str:
        """What its log is called: the values of the axes that are a part of the market; else nothing."""
        said = zip(study.axes, self._said(study), strict=True)
        return " · ".join(label for axis, label in said if axis.path.split(".")[0] == "market")

    def _said(self, study: Study) -> list[str]:
        values = self.values(study).values()
        return [axis.label(value) for axis, value in zip(study.axes, values, strict=True)]


def settings_of(study: Study) -> tuple[Setting, ...]:
    """Every model with every value of every axis."""
    places = list(product(*(range(len(axis.values)) for axis in study.axes)))
    return tuple(Setting(model=m, places=at) for m in study.models for at in places)


def reference_of(study: Study, setting: Setting) -> Setting:
    """What a setting is compared with: the reference values, in its own model or in the reference's."""
    model = study.reference_model or setting.model
    return Setting(model=model, places=tuple(axis.values.index(axis.reference) for axis in study.axes))


def has_chance(study: Study, setting: Setting) -> bool:
    """Whether another seed makes another fit of it."""
    order = (study.fixed | setting.values(study)).get(ORDER, "correct")
    return _draws(setting.model) or bool(seeded(study, order))


def seeded(study: Study, order: str) -> list[str]:
    """The study's own paths that follow the seed; what is not shuffled has none."""
    return [path for path in study.seeded if path != ORDER_SEED or order != "correct"]


@cache
def _draws(kind: str) -> bool:
    """Whether models of a kind have a seed; one that is not known here may."""
    try:
        content: Mapping[str, Any] = _MODEL.validate_python({"kind": kind}).model_dump(mode="json")
    except ValidationError:
        return True
    return any(named("seed", content))
