"""A study's declaration to the configurations that are fitted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from hm_pipeline.config import RunConfig
from hm_pipeline.data.traits import Traits
from hm_pipeline.errors import ConfigError
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.studies.paths import changed, of_each
from hm_pipeline.studies.study import Declared, Study


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

    def _said(self, study: Study) -> list[str]:
        values = self.values(study).values()
        return [axis.label(value) for axis, value in zip(study.axes, values, strict=True)]


class Variant(Frozen):
    """A setting with a seed, as the configuration of a run that has this one model."""

    setting: Setting
    seed: int
    config: RunConfig


def settings_of(study: Study) -> tuple[Setting, ...]:
    """Every model with every value of every axis."""
    places = list(product(*(range(len(axis.values)) for axis in study.axes)))
    return tuple(Setting(model=m, places=at) for m in study.models for at in places)


def reference_of(study: Study, setting: Setting) -> Setting:
    """What a setting is compared with: the reference values, in its own model or in the reference's."""
    model = study.reference_model or setting.model
    return Setting(model=model, places=tuple(axis.values.index(axis.reference) for axis in study.axes))


def variants(study: Study, config: RunConfig) -> tuple[Variant, ...]:
    """Each setting with each seed.

    ConfigError for a path or value that the configuration does not know, or that changes no fit.
    """
    config = configured(study, config)
    made = tuple(_variant(study, config, s, seed) for s in settings_of(study) for seed in study.seeds)
    if len({variant.config.publish.k for variant in made}) > 1:
        raise ConfigError(f"study {study.name}: figures at different k are no comparison: --set publish.k=…")
    _check_each_is_its_own(study, made)
    return made


def _check_each_is_its_own(study: Study, made: Sequence[Variant]) -> None:
    """Values that nothing looks at would be told as a difference of nothing."""
    seen = dict[str, Setting]()
    for variant in (one for one in made if one.seed == study.seeds[0]):
        twin = seen.setdefault(_looked_at(variant), variant.setting)
        if twin != variant.setting:
            raise ConfigError(
                f"study {study.name}: {twin.label(study)} and {variant.setting.label(study)} are fitted and "
                f"evaluated the same: nothing there looks at {', '.join(axis.path for axis in study.axes)}"
            )


def _looked_at(variant: Variant) -> str:
    """By fits and their evaluation; the gate, drift and publishing have no part in a study."""
    config, kind = variant.config, variant.setting.model
    parts = [part.fingerprint() for part in (config.market, config.samples, config.models[kind])]
    return digest_of(kind, *parts, config.processes_of(kind), config.publish.k, config.publish.exclude_seen)


def configured(study: Declared, config: RunConfig) -> RunConfig:
    """The configuration that all of a study share: its models alone, its fixed values, no clock of its own.

    ConfigError where the profile lacks a model.
    """
    missing = [model for model in study.models if model not in config.models]
    if missing:
        raise ConfigError(
            f"study {study.name}: profile {config.profile} has no {', '.join(missing)}; "
            f"it has {', '.join(config.models)}. Choose one that has them: --profile study"
        )
    config = config.model_copy(update={"models": {m: config.models[m] for m in study.models}})
    unhurried = {"publish.publish_by": None, "publish.max_train_minutes": None}
    return changed(config, unhurried | study.fixed, study.name)


def unidentifiable(study: Study, traits: Traits) -> dict[Setting, str]:
    """The settings whose question this log cannot answer, and why."""
    reasons = {s: _lacks(study, s, traits) for s in settings_of(study)}
    return {setting: reason for setting, reason in reasons.items() if reason}


def _variant(study: Study, config: RunConfig, setting: Setting, seed: int) -> Variant:
    alone = config.model_copy(update={"models": {setting.model: config.models[setting.model]}})
    settled = changed(alone, setting.values(study), study.name)
    seeds = _seeds(study, settled)
    _check_nobody_sets(seeds, study)
    return Variant(
        setting=setting, seed=seed, config=changed(settled, dict.fromkeys(seeds, seed), study.name)
    )


def _check_nobody_sets(seeds: Sequence[str], study: Study) -> None:
    paths = (*(axis.path for axis in study.axes), *study.fixed)
    lost = [path for path in paths if not {*of_each(path, study.models)}.isdisjoint(seeds)]
    if lost:
        raise ConfigError(
            f"study {study.name}: {', '.join(lost)} follows the study's seeds: name those (--seeds)"
        )


def _seeds(study: Study, config: RunConfig) -> list[str]:
    """The paths of all seeds: the models' and the study's own; what is not shuffled has none."""
    own = [f"models.{path}" for path in _named("seed", config.model_dump(mode="json")["models"])]
    idle = {"samples.order_seed"} if config.samples.order == "correct" else set()
    return own + [path for path in study.seeded if path not in idle]


def _named(name: str, content: Mapping[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{path}" for path in _named(name, value))
        elif key == name:
            yield key


def _lacks(study: Study, setting: Setting, traits: Traits) -> str:
    values = setting.values(study).values()
    asked = (need for need in study.needs if need.value is None or need.value in values)
    return next((lacking for need in asked if (lacking := need.lacking(traits))), "")
