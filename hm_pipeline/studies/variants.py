"""A study's declaration to the configurations that are fitted."""

from collections.abc import Sequence

from hm_pipeline.config import RunConfig
from hm_pipeline.errors import ConfigError
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.studies.paths import changed, named, of_each
from hm_pipeline.studies.setting import ORDER, ORDER_SEED, Setting, seeded, settings_of
from hm_pipeline.studies.study import Declared, Study


class Variant(Frozen):
    """A setting with a seed, as the configuration of a run that has this one model."""

    setting: Setting
    seed: int
    config: RunConfig


def variants(study: Study, config: RunConfig) -> tuple[Variant, ...]:
    """Each setting with each seed.

    ConfigError for a path or value that the configuration does not know, or that changes no fit.
    """
    config = configured(study, config)
    made = tuple(_variant(study, config, s, seed) for s in settings_of(study) for seed in study.seeds)
    if len({variant.config.publish.k for variant in made}) > 1:
        raise ConfigError(f"study {study.name}: figures at different k are no comparison: --set publish.k=…")
    _check_each_is_its_own(study, made)
    _check_shuffles_have_seeds(study)
    return made


def _check_shuffles_have_seeds(study: Study) -> None:
    """One shuffling for all seeds would pass for what shuffling does."""
    if ORDER in {axis.path for axis in study.axes} and ORDER_SEED not in study.seeded:
        raise ConfigError(
            f"study {study.name}: {ORDER} is an axis, and each seed would see the same shuffling: "
            f'write seeded = ["{ORDER_SEED}"]'
        )


def _check_each_is_its_own(study: Study, made: Sequence[Variant]) -> None:
    """Values that nothing looks at would be told as a difference of nothing."""
    seen = dict[str, Setting]()
    for variant in (one for one in made if one.seed == study.seeds[0]):
        twin = seen.setdefault(_looked_at(study, variant), variant.setting)
        if twin != variant.setting:
            raise ConfigError(
                f"study {study.name}: {twin.label(study)} and {variant.setting.label(study)} are fitted and "
                f"evaluated the same: nothing there looks at {', '.join(axis.path for axis in study.axes)}"
            )


def _looked_at(study: Study, variant: Variant) -> str:
    """By fits and their evaluation; the gate, drift and publishing have no part in a study."""
    config, kind = variant.config, variant.setting.model
    parts = [part.fingerprint() for part in (config.market, config.models[kind])]
    samples = config.samples.model_dump(mode="json", exclude=_idle(study, config))
    return digest_of(
        kind, *parts, samples, config.processes_of(kind), config.publish.k, config.publish.exclude_seen
    )


def _idle(study: Study, config: RunConfig) -> set[str]:
    """Keys of the samples that nothing looks at here."""
    protocol = set() if study.protocol == "next_day" else {"validation_share"}
    return protocol | ({"order_seed"} if config.samples.order == "correct" else set())


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
    """The paths of all seeds: the models' and the study's own."""
    own = [f"models.{path}" for path in named("seed", config.model_dump(mode="json")["models"])]
    return own + seeded(study, config.samples.order)
