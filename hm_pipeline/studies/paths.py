"""Values at paths of a configuration: `models.lstm.hidden`, or of each model where a part is *."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import getitem
from typing import Any

from hm_pipeline.config import RunConfig, parse
from hm_pipeline.errors import ConfigError


def of_each(path: str, models: Iterable[str]) -> list[str]:
    """The path, or one a model where a part of it is *."""
    parts = path.split(".")
    if "*" not in parts:
        return [path]
    return [".".join(model if part == "*" else part for part in parts) for model in models]


def named(name: str, content: Mapping[str, Any]) -> Iterator[str]:
    """The paths of all keys of a name, however deep."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{path}" for path in named(name, value))
        elif key == name:
            yield key


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
            _check_is_there(content, one, path, study)
            *parents, key = one.split(".")
            reduce(getitem, parents, content)[key] = value
    if "market.interaction_events" in values:
        content["samples"]["interaction_events"] = values["market.interaction_events"]
    return parse(RunConfig, content, f"study {study}")


def _check_is_there(content: dict[str, Any], path: str, written: str, study: str) -> None:
    """A key that is not there is a typo, or one that a model of the study lacks."""
    place: Any = content
    for key in path.split("."):
        if not isinstance(place, dict) or key not in place:
            known = ", ".join(place) if isinstance(place, dict) else f"a value, {place!r}"
            all_need = f". Every model of the study must have {written}" if written != path else ""
            raise ConfigError(
                f"study {study}: {path}: nothing is called {key!r} there; there is {known}{all_need}"
            )
        place = place[key]
