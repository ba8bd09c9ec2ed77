"""Values at paths of a configuration: `models.lstm.hidden`, or of each model where a part is *."""

from collections.abc import Iterable, Mapping
from typing import Any

from hm_pipeline.config import RunConfig, parse
from hm_pipeline.errors import ConfigError


def of_each(path: str, models: Iterable[str]) -> list[str]:
    """The path, or one a model where a part of it is *."""
    parts = path.split(".")
    if "*" not in parts:
        return [path]
    return [".".join(model if part == "*" else part for part in parts) for model in models]


def changed(config: RunConfig, values: Mapping[str, Any], study: str) -> RunConfig:
    """The configuration with other values at these paths, checked as if it had been read so.

    ConfigError names the study of this name and the key.
    """
    content = config.model_dump(mode="json")
    chosen = {"profile": "--profile NAME", "market.name": "--market NAME"}
    for path in (path for path in chosen if path in values):
        raise ConfigError(f"study {study}: {path} is chosen by {chosen[path]}, before anything is set")
    for path, value in values.items():
        for one in of_each(path, content["models"]):
            _set(content, one.split("."), value, path)
    if "market.interaction_events" in values:
        content["samples"]["interaction_events"] = values["market.interaction_events"]
    return parse(RunConfig, content, f"study {study}")


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
