"""The sequence models as configuration; nothing here needs torch. Defaults are the thesis's sizes."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hm_pipeline.frozen import Frozen
from hm_pipeline.training.config import TrainingConfig

Dropout = Annotated[float, Field(ge=0, lt=1)]


class RecurrentConfig(Frozen):
    """What the recurrent models share; the kind is the cell."""

    user_embedding: PositiveInt | Literal["none"] = 256  # "none": no user ids at all
    item_embedding: PositiveInt = 256
    layers: PositiveInt = 3
    hidden: PositiveInt = 512
    state_dim: PositiveInt = 256  # the last state is projected to it before it meets the user
    tied: bool = False  # the softmax reads the item embeddings instead of vectors of its own
    popularity_bias: bool = False  # start the softmax at the items' shares instead of at equal chances
    embedding_dropout: Dropout = 0.0
    layer_dropout: Dropout = 0.0  # between layers
    query_dropout: Dropout = 0.0
    training: TrainingConfig = TrainingConfig()

    @property
    def user_width(self) -> int:
        """Width of a user's vector, 0 where there is none."""
        return 0 if self.user_embedding == "none" else self.user_embedding


class RnnConfig(RecurrentConfig):
    """Plain tanh cells (Elman)."""

    kind: Literal["rnn"] = "rnn"


class LstmConfig(RecurrentConfig):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    kind: Literal["lstm"] = "lstm"


class GruConfig(RecurrentConfig):
    """Gated recurrent units (Cho et al. 2014)."""

    kind: Literal["gru"] = "gru"


SequencerConfig = Annotated[RnnConfig | LstmConfig | GruConfig, Field(discriminator="kind")]
