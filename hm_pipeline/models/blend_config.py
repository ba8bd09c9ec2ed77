"""A sequence model and itemknn together, as configuration; nothing here needs torch."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from hm_pipeline.frozen import Frozen
from hm_pipeline.models.itemknn import ItemKnnConfig
from hm_pipeline.models.sequencer_config import GruConfig, SequencerConfig


class BlendConfig(Frozen):
    """Logits of the net + weight x log of itemknn's shares; the weight is chosen on validation."""

    kind: Literal["blend"] = "blend"
    net: SequencerConfig = GruConfig()
    itemknn: ItemKnnConfig = ItemKnnConfig()
    weights: tuple[NonNegativeFloat, ...] = Field((0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0), min_length=1)
    floor: float = Field(1e-5, gt=0)  # the share of an item that itemknn does not vote for

    @model_validator(mode="after")
    def _every_item_is_scored(self) -> Self:
        if self.net.search.kind != "exact":
            raise ValueError("a blend adds up the scores of all items: its net.search is exact")
        return self
