"""A question to the pipeline, as a declaration: deploy/studies/*.toml.

    question = "How wide must an item's vector be?"
    models = ["lstm"]
    needs = []                                   what a log must show, or the answer is "not identifiable"

    [[axes]]
    path = "models.*.item_embedding"             any path of the configuration; * is each of the models
    values = [1, 10, 20, 128, 256]
    reference = 256                              what the others are compared with

Every model meets every value of every axis, once a seed. Without an axis the models are compared. A file
with kind = "longevity" asks how fast models age (longevity.py).
"""

import tomllib
from collections.abc import Mapping
from itertools import permutations, product
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from hm_pipeline.config import parse
from hm_pipeline.data.build import ATTRIBUTES
from hm_pipeline.errors import ConfigError
from hm_pipeline.evaluation.evaluate import METRICS
from hm_pipeline.frozen import Frozen
from hm_pipeline.studies.keys import check_keys
from hm_pipeline.studies.longevity import LongevityStudy
from hm_pipeline.studies.needs import Need
from hm_pipeline.studies.paths import of_each


class Axis(Frozen):
    """A path of the configuration and what it is set to."""

    path: str
    values: tuple[Any, ...] = Field(min_length=2)
    reference: Any
    labels: tuple[str, ...] = ()  # how tables call the values; empty: as they are written

    @model_validator(mode="after")
    def _reference_is_a_value(self) -> Self:
        if self.reference not in self.values:
            raise ValueError(f"reference {self.reference!r} is none of the values of {self.path}")
        if self.labels and len(self.labels) != len(self.values):
            raise ValueError(f"{len(self.labels)} labels for {len(self.values)} values of {self.path}")
        if len({self.label(value) for value in self.values}) < len(self.values):
            raise ValueError(f"a value of {self.path} stands twice")
        return self

    def label(self, value: Any) -> str:
        """How tables call a value."""
        return self.labels[self.values.index(value)] if self.labels else _plain(value)


class Thesis(Frozen):
    """What the thesis found, in its own units, by metric and label; to stand beside ours, no target."""

    source: str  # "Table 4.3"
    figures: dict[str, dict[str, float]]  # metric -> "lstm · 10" -> figure


class Study(Frozen):
    """What is varied, how often it is repeated, and what is looked at."""

    kind: Literal["variants"] = "variants"
    name: str
    question: str
    models: tuple[str, ...] = Field(min_length=1)
    axes: tuple[Axis, ...] = Field((), max_length=2)
    seeds: tuple[NonNegativeInt, ...] = Field((1, 2, 3), min_length=1)
    seeded: tuple[str, ...] = ()  # paths that follow the seed besides the models' own
    reference_model: str | None = None  # whom all are compared with; None: each model with itself
    metrics: tuple[str, ...] = ("hr", "coverage", "overlap", "personalization", "novelty")
    protocol: Literal["leave_last_out", "thesis", "next_day"] = "leave_last_out"
    profile: str | None = None  # of the models' sizes; None: the market's own
    fixed: dict[str, Any] = {}  # path -> value, the same for all
    needs: tuple[Need, ...] = ()
    thesis: Thesis | None = None

    @model_validator(mode="after")
    def _answers_something(self) -> Self:
        if not self.axes and len(self.models) < 2:
            raise ValueError("one model and no axis: there is nothing to compare")
        if not self.axes and self.reference_model is None:
            raise ValueError("models are compared: name one of them as reference_model")
        if self.reference_model not in {None, *self.models}:
            raise ValueError(f"reference_model {self.reference_model!r} is none of the models")
        given_paths = (*(axis.path for axis in self.axes), *self.fixed)
        paths = tuple(one for path in given_paths for one in of_each(path, self.models))
        lists: dict[str, tuple[Any, ...]] = {
            "models": self.models,
            "seeds": self.seeds,
            "metrics": self.metrics,
            "axes, fixed": paths,  # a value of an axis would win unnoticed
        }
        for name, given in lists.items():
            twice = [one for at, one in enumerate(given) if one in given[:at]]
            if twice:
                raise ValueError(f"{name}: {twice[0]} stands twice")
        inside = [(path, whole) for path, whole in permutations(paths, 2) if path.startswith(f"{whole}.")]
        if inside:
            raise ValueError("axes, fixed: {} is a part of {}, which would win unnoticed".format(*inside[0]))
        return self

    @model_validator(mode="after")
    def _measures_what_there_is(self) -> Self:
        known = {metric + level for metric in METRICS for level in ("", *(f"_{a}" for a in ATTRIBUTES))}
        unknown = [metric for metric in self.metrics if metric not in known]
        if unknown:
            levels = " or ".join(f"_{a}" for a in ATTRIBUTES)
            raise ValueError(
                f"no metric {', '.join(unknown)}; there are {', '.join(METRICS)}, each also with {levels}"
            )
        return self

    def axes_of(self, need: Need) -> list[str]:
        """The paths of the axes that have the one value of a need."""
        return [axis.path for axis in self.axes if any(need.is_of({axis.path: v}) for v in axis.values)]


Declared = Study | LongevityStudy


def load(folder: Path, name: str) -> Declared:
    """The study of `folder`/studies/{name}.toml. ConfigError names the key and the value that is wrong."""
    file = folder / "studies" / f"{name}.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no study {name}; there are {', '.join(names(folder)) or 'none'}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    study = declared({"name": name} | content, file)
    if isinstance(study, Study) and study.thesis:
        _check_figures(study, study.thesis, file)
    return study


def declared(content: Mapping[str, Any], origin: Path | str) -> Declared:
    """A declaration, by its kind; one without is of variants. ConfigError names `origin` and the key."""
    kind = content.get("kind", "variants")
    match kind:
        case "variants":
            check_keys(Study, content, origin, "a study")
            study = parse(Study, content, origin)
            _check_needs(study, origin)
            return study
        case "longevity":
            check_keys(LongevityStudy, content, origin, "a longevity study")
            return parse(LongevityStudy, content, origin)
        case _:
            raise ConfigError(f"{origin}: kind: {kind!r} is none of 'variants', 'longevity'")


def _check_needs(study: Study, origin: Path | str) -> None:
    """Of what is asked now; an answer of older code, which named no path, can be read all the same."""
    paths = [axis.path for axis in study.axes]
    for need in (need for need in study.needs if need.value is not None):
        has = study.axes_of(need)
        if need.path not in (None, *paths):
            raise ConfigError(f"{origin}: needs: path {need.path} is no axis; there is {', '.join(paths)}")
        if not has:
            raise ConfigError(f"{origin}: needs: {need.value!r} is no value of {need.path or 'an axis'}")
        if len(has) > 1:
            raise ConfigError(
                f"{origin}: needs: {need.value!r} is a value of {' and of '.join(has)}: "
                f'say which, e.g. path = "{has[0]}"'
            )


def _check_figures(study: Study, thesis: Thesis, file: Path) -> None:
    """As the file has it: what is asked otherwise for once may lack a model or a value."""
    chosen = product(study.models, *(map(axis.label, axis.values) for axis in study.axes))
    labels = {" · ".join(parts) for parts in chosen}
    given = {label for by_label in thesis.figures.values() for label in by_label}
    wrong = sorted({*given} - labels | {*thesis.figures} - {*study.metrics})
    if wrong:
        raise ConfigError(
            f"{file}: thesis.figures: {', '.join(wrong)}: neither a metric of the study nor one of its "
            f"settings, {', '.join(sorted(labels))}"
        )


def names(folder: Path) -> list[str]:
    """The studies that have a file."""
    return sorted(file.stem for file in (folder / "studies").glob("*.toml"))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{v}" if k == "kind" else f"{k} {_plain(v)}" for k, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
