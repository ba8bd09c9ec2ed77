"""Every model there is, as configuration; nothing here needs torch or implicit."""

from typing import Annotated

from pydantic import Field

from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.itemknn import ItemKnnConfig, MarkovConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.models.repeat import RepeatConfig
from hm_pipeline.models.sequencer_config import SequencerConfig

ModelConfig = Annotated[
    PopularityConfig
    | RepeatConfig
    | ItemKnnConfig
    | MarkovConfig
    | AlsConfig
    | AalsConfig
    | SequencerConfig
    | BlendConfig,
    Field(discriminator="kind"),
]
