"""How a log becomes samples."""

from pydantic import Field

from hm_pipeline.data.shuffle import Order
from hm_pipeline.frozen import Frozen


class SampleConfig(Frozen):
    """How a log becomes samples."""

    interaction_events: tuple[str, ...] = ("view",)  # which events make a history
    validation_share: float = Field(default=0.1, ge=0, lt=1)  # of the users, by hash, under next_day
    seed: int = 20210601
    order: Order = "correct"  # of training histories; the others are for studies of what order is worth
    order_seed: int = 1
