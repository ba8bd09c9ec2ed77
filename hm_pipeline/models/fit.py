"""A configuration to its model: the two places that know every kind, fitting and loading."""

from pathlib import Path
from typing import assert_never

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.als import Als, fit_als
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fitting import FitContext, Fitted
from hm_pipeline.models.itemknn import ItemKnn, ItemKnnConfig, MarkovConfig, fit_itemknn
from hm_pipeline.models.popularity import Popularity, PopularityConfig, fit_popularity
from hm_pipeline.models.recommender import Recommender
from hm_pipeline.models.repeat import Repeat, RepeatConfig, fit_repeat
from hm_pipeline.models.sequencer_config import Dressed

# ruff: noqa: PLC0415  torch is imported only where asked for; a return a family


def fit(config: ModelConfig, samples: Samples, context: FitContext | None = None) -> Fitted:
    """The model of this configuration, fitted on `samples.train`, and a report of how it went."""
    context = context or FitContext()
    match config:
        case PopularityConfig():
            return fit_popularity(config, samples, context)
        case RepeatConfig():
            return fit_repeat(config, samples, context)
        case ItemKnnConfig() | MarkovConfig():
            return fit_itemknn(config, samples, context)
        case AlsConfig() | AalsConfig():
            return fit_als(config, samples, context)
        case Dressed():
            from hm_pipeline.models.sequencer import fit_sequencer

            return fit_sequencer(config, samples, context)
        case BlendConfig():
            from hm_pipeline.models.blend import fit_blend

            return fit_blend(config, samples, context)
        case _:
            assert_never(config)


def load_model(folder: Path, config: ModelConfig) -> Recommender:
    """What the model of this configuration wrote with its `save`."""
    match config:
        case PopularityConfig():
            return Popularity.load(folder)
        case RepeatConfig():
            return Repeat.load(folder)
        case ItemKnnConfig() | MarkovConfig():
            return ItemKnn.load(folder)
        case AlsConfig() | AalsConfig():
            return Als.load(folder, config)
        case Dressed():
            from hm_pipeline.models.sequencer import load_sequencer

            return load_sequencer(folder, config)
        case BlendConfig():
            from hm_pipeline.models.blend import Blend

            return Blend.load(folder, config)
        case _:
            assert_never(config)
