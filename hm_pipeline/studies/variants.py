"""A study's declaration to the configurations that are fitted."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from hm_pipeline.config import RunConfig, parse
from hm_pipeline.data.traits import Traits
from hm_pipeline.errors import ConfigError
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.study import Declared, Study, of_each


class Setting(Frozen):
    """One line of the answer: a model, and the place of a value among those of each axis."""

    model: str
    places: tuple[int, ...] = ()

    def values(self, study: Study) -> dict[str, Any]:
        """What each axis is set to, by its path."""
        return {axis.path: axis.values[at] for axis, at in zip(study.axes, self.places, strict=True)}

    def label(self, study: Study) -> str:
        """How tables call it: what all settings share is left out."""
        values = self.values(study).values()
        said = [axis.label(value) for axis, value in zip(study.axes, values, strict=True)]
        return " · ".join([self.model, *said] if len(study.models) > 1 else said)


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
    """Each setting with each seed. ConfigError for a path or value that the configuration does not know."""
    config = configured(study, config)
    return tuple(_variant(study, config, s, seed) for s in settings_of(study) for seed in study.seeds)


def configured(study: Declared, config: RunConfig) -> RunConfig:
    """The configuration that all of a study share: its models alone, its fixed values, no clock.

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
    return changed(config, unhurried | study.fixed, study)


def unidentifiable(study: Study, traits: Traits) -> dict[Setting, str]:
    """The settings whose question this log cannot answer, and why."""
    reasons = {s: _lacks(study, s, traits) for s in settings_of(study)}
    return {setting: reason for setting, reason in reasons.items() if reason}


def changed(config: RunConfig, values: Mapping[str, Any], study: Declared) -> RunConfig:
    """The configuration with other values at these paths, checked as if it had been read so."""
    content = config.model_dump(mode="json")
    chosen = {"profile": "--profile NAME", "market.name": "--market NAME"}
    for path in (path for path in chosen if path in values):
        raise ConfigError(f"study {study.name}: {path} is chosen by {chosen[path]}, before anything is set")
    for path, value in values.items():
        for one in of_each(path, content["models"]):
            _set(content, one.split("."), value, path)
    if "market.interaction_events" in values:
        content["samples"]["interaction_events"] = values["market.interaction_events"]
    return parse(RunConfig, content, f"study {study.name}")


def _variant(study: Study, config: RunConfig, setting: Setting, seed: int) -> Variant:
    alone = config.model_copy(update={"models": {setting.model: config.models[setting.model]}})
    settled = changed(alone, setting.values(study), study)
    return Variant(
        setting=setting,
        seed=seed,
        config=changed(settled, dict.fromkeys(_seeds(study, settled), seed), study),
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


def _set(content: dict[str, Any], parts: list[str], value: Any, path: str) -> None:
    """Set what is there; a key that is not is a typo."""
    place: Any = content
    for part in parts[:-1]:
        place = _at(place, part, path)
    _at(place, parts[-1], path)
    place[parts[-1]] = value


def _at(place: Any, key: str, path: str) -> Any:
    if not isinstance(place, dict) or key not in place:
        known = ", ".join(place) if isinstance(place, dict) else f"a value, {place!r}"
        raise ConfigError(f"{path}: nothing is called {key!r} there; there is {known}")
    return place[key]


def _lacks(study: Study, setting: Setting, traits: Traits) -> str:
    values = setting.values(study).values()
    asked = (need for need in study.needs if need.value is None or need.value in values)
    return next((lacking for need in asked if (lacking := need.lacking(traits))), "")
