"""A run's parts side by side, read from TOML.

    deploy/markets/SE.toml       its own: [market], [samples], [gate], [drift], [publish], [models.*]
    deploy/profiles/small.toml   sizes and schedules by model: [models.*]
    deploy/pools.toml            where each kind of model trains, and what an hour there costs

A market names its profile; its own [models.lstm] entries win over the profile's, key by key.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator, model_validator

from hm_pipeline.data.drift_report import DriftConfig
from hm_pipeline.data.market import MarketConfig
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.errors import ConfigError
from hm_pipeline.evaluation.fitness import FitnessConfig
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.sequencer_config import Dressed
from hm_pipeline.registry.night import GateConfig

T = TypeVar("T", bound=BaseModel)


class Pool(Frozen):
    """A kind of machine that models train on."""

    kinds: tuple[str, ...]  # the models that train here
    rate_per_hour: float = Field(ge=0)
    currency: str = "USD"  # the same for all pools: prices are added
    processes: PositiveInt = 1  # that train one net together, by torchrun: one a GPU of its machine
    exclusive: bool = False  # one run at a time, whoever started it: the slot is a limit of the pool's name
    wait_minutes: float = Field(10, gt=0)  # without a worker; then the run that waits fails and says so
    most_minutes: float = Field(720, gt=0)  # of one training; what runs longer hangs, and is cancelled


class PublishConfig(Frozen):
    """What is made of the winner."""

    k: int = Field(14, ge=1, le=1000)  # items a list
    shards: PositiveInt = 1  # ranges of users that workers answer at once; 1: the run itself answers all
    exclude_seen: bool = False  # lists, judged and published, hold nothing of a user's history
    gate_target: Literal["first", "last"] = "first"  # which arrival of D-1 is a user's target
    refit: bool = True  # the winner learns D-1 too before it answers
    max_train_minutes: float | None = Field(None, gt=0)  # a model past it competes with its best checkpoint
    publish_by: time | None = None  # local time of the run date by which the lists must be there
    reserve_minutes: float = Field(20, ge=0)  # before it, for what follows the fits: lists, publishing
    poll_minutes: float = Field(5, gt=0)  # between two looks for a newest day that is late
    checks: FitnessConfig = FitnessConfig()  # of the lists, the last before they are published

    @field_validator("publish_by")
    @classmethod
    def _local(cls, at: time | None) -> time | None:
        if at is not None and at.tzinfo is not None:
            raise ValueError("publish_by is a local time of the market's zone: write it without an offset")
        return at


class RunConfig(Frozen):
    """Everything a nightly run of one market does, and nothing about where it runs."""

    profile: str
    market: MarketConfig
    samples: SampleConfig = SampleConfig()
    publish: PublishConfig = PublishConfig()
    gate: GateConfig = GateConfig()
    drift: DriftConfig = DriftConfig()
    models: dict[str, ModelConfig]
    pools: dict[str, Pool]

    @model_validator(mode="after")
    def _each_model_has_a_pool(self) -> "RunConfig":
        if not self.models:
            raise ValueError("no model: name at least one in the profile, e.g. [models.itemknn]")
        for name, model in self.models.items():
            if model.kind != name:
                raise ValueError(f"[models.{name}] has kind {model.kind!r}: a kind stands under its own name")
            self.pool_of(name)
        if len({pool.currency for pool in self.pools.values()}) != 1:
            raise ValueError("pools.toml: all pools are paid in one currency, since prices are added")
        return self

    @model_validator(mode="after")
    def _one_set_of_events(self) -> "RunConfig":
        if self.samples.interaction_events != self.market.interaction_events:
            raise ValueError("samples.interaction_events follows market.interaction_events: set that one")
        return self

    def pool_of(self, kind: str) -> Pool:
        """Where a kind of model trains."""
        return self.pools[self.pool_name_of(kind)]

    def pool_name_of(self, kind: str) -> str:
        """What the pool is called where a kind of model trains."""
        for name, pool in self.pools.items():
            if kind in pool.kinds:
                return name
        raise ValueError(f"no pool trains {kind!r}: add it to the kinds of one in pools.toml")

    def processes_of(self, kind: str) -> int:
        """How many processes train a kind of model; what is no net is fitted by one."""
        return self.pool_of(kind).processes if self._is_net(kind) else 1

    def nets_from(self, kind: str) -> int:
        """How many nets are trained from this kind on, in the order of the profile."""
        order = list(self.models)
        return sum(self._is_net(other) for other in order[order.index(kind) :])

    def _is_net(self, kind: str) -> bool:
        return isinstance(self.models[kind], Dressed | BlendConfig)


def load(folder: Path, market: str, profile: str | None = None) -> RunConfig:
    """The configuration of a market under `folder` (deploy/); `profile` overrides the market's own.

    Raises ConfigError naming the file, the key and the value that is wrong.
    """
    file = folder / "markets" / f"{market}.toml"
    own = _read(file, f"markets known: {', '.join(markets(folder)) or 'none'}")
    chosen = profile or own.get("profile", "small")
    shared = _read(folder / "profiles" / f"{chosen}.toml", "profiles known: " + _stems(folder / "profiles"))
    pools = _read(folder / "pools.toml", "it says where each kind of model trains")
    market_part = {"name": market} | own.get("market", {})
    if market_part["name"] != market:
        raise ConfigError(
            f"{file}: market.name is {market_part['name']!r}, but the file is {market}'s: leave the name "
            "out, or call the file after it"
        )
    samples = dict(own.get("samples", {}))
    if "interaction_events" in samples:
        raise ConfigError(f"{file}: samples.interaction_events belongs into [market], extract reads it too")
    if "interaction_events" in market_part:
        samples["interaction_events"] = market_part["interaction_events"]
    content = own | {
        "profile": chosen,
        "market": market_part,
        "samples": samples,
        "models": _merged(shared.get("models", {}), own.get("models", {}), file),
        "pools": pools,
    }
    return parse(RunConfig, content, file)


def markets(folder: Path) -> list[str]:
    """The markets that have a file."""
    return sorted(file.stem for file in (folder / "markets").glob("*.toml"))


def parse(kind: type[T], content: Mapping[str, Any], file: Path | str) -> T:
    """`content` as a configuration, or a ConfigError that reads like a sentence."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(
            f"{_key(e['loc']) or 'the file'}: {e['msg']} (found {e['input']!r:.60})" for e in error.errors()
        )
        raise ConfigError(f"{file}: {error.error_count()} wrong: {wrong}") from None


def _key(place: Sequence[int | str]) -> str:
    """As the file writes it: pydantic names a model twice, by its table and by its kind."""
    return ".".join(str(part) for n, part in enumerate(place) if n == 0 or part != place[n - 1])


def _read(file: Path, hint: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist; {hint}. Set HM_CONFIG to the folder that has it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None


def _stems(folder: Path) -> str:
    return ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "none"


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Tables merge key by key; the market's values win; `off = true` drops a model of the profile."""
    for name in own.keys() - shared.keys():
        if own[name].get("off"):
            known = ", ".join(shared) or "none"
            raise ConfigError(f"{file}: models.{name} is off, but the profile has no {name}; it has {known}")
    merged: dict[str, Any] = {
        name: {"kind": name} | _deep(shared.get(name, {}), own.get(name, {})) for name in {**shared, **own}
    }
    return {
        name: {key: value for key, value in model.items() if key != "off"}
        for name, model in merged.items()
        if not model.get("off", False)
    }


def _deep(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _deep(shared[key], own[key]) for key in own if _tables(shared.get(key), own[key])}
    return {**shared, **own, **both}


def _tables(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)
