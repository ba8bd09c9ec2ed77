"""What may be written in a study's file: a key that is not known says which there are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from hm_pipeline.errors import ConfigError

Kind = type[BaseModel]


def check_keys(kind: Kind, content: Mapping[str, Any], origin: Path | str, called: str) -> None:
    """ConfigError where the content of a `kind`, or of a table in it, has a key that is not known."""
    for path, key, known in _unknown(kind, content, ""):
        if not path and key == "seeds":
            raise ConfigError(f"{origin}: {called} has no seeds")
        whole = f"{path}.{key}" if path else key
        raise ConfigError(f"{origin}: {whole}: {path or called} has no such key; there are {known}")


def _unknown(kind: Kind, content: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Where, which key, and what there is instead."""
    known = kind.model_fields
    for key in (key for key in content if key not in known):
        yield path, key, ", ".join(known)
    for key in (key for key in content if key in known):
        for inner, place, table in _tables(known[key].annotation, content[key], key):
            yield from _unknown(inner, table, f"{path}.{place}" if path else place)


def _tables(
    annotation: Any, value: Any, key: str
) -> Iterator[tuple[type[BaseModel], str, Mapping[str, Any]]]:
    """The tables that a key holds, itself or one after the other, where they are of one type."""
    if get_origin(annotation) is tuple and isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _tables(get_args(annotation)[0], one, f"{key}.{at}")
    elif get_origin(annotation) is UnionType:
        for one in get_args(annotation):
            yield from _tables(one, value, key)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, Mapping):
        yield annotation, key, value
