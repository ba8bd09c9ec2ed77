"""The sequence models as configuration; nothing here needs torch. Defaults are the thesis's sizes.

Dressed ─┬─ RecurrentConfig ─┬─ RnnConfig, LstmConfig, GruConfig     the kind is the cell
         │                   └─ AttentionConfig                      encoder and decoder of LSTM layers
         └─ TransformerConfig
"""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from hm_pipeline.frozen import Frozen
from hm_pipeline.index.search import Exact, Search
from hm_pipeline.training.config import TrainingConfig

Dropout = Annotated[float, Field(ge=0, lt=1)]
AttributeName = Literal["category", "colour"]


class Dressed(Frozen):
    """What every sequence model is dressed in, whatever its body."""

    members: PositiveInt = 1  # nets of other first weights, whose logits are averaged: ensemble.py
    user_embedding: PositiveInt | Literal["none"] = 256  # "none": no user ids at all
    item_embedding: PositiveInt = 256
    attributes: tuple[AttributeName, ...] = ()  # whose embeddings are added to an item's own
    state_dim: PositiveInt | Literal["none"] = 256  # a state is projected to it before it meets the user
    head: tuple[PositiveInt, ...] = ()  # LeakyReLU layers between the meeting and the softmax
    tied: bool = False  # the softmax reads the item embeddings instead of vectors of its own
    popularity_bias: bool = False  # start the softmax at the items' shares instead of at equal chances
    item_dropout: Dropout = 0.0  # whole items of a history hidden
    embedding_dropout: Dropout = 0.0
    query_dropout: Dropout = 0.0
    search: Search = Exact()  # how the items nearest to a query are looked up once it is trained
    training: TrainingConfig = TrainingConfig()

    @property
    def user_width(self) -> int:
        """Width of a user's vector, 0 where there is none."""
        return 0 if self.user_embedding == "none" else self.user_embedding


class RecurrentConfig(Dressed):
    """What the recurrent models share."""

    layers: PositiveInt = 3
    hidden: PositiveInt = 512
    layer_dropout: Dropout = 0.0  # between layers


class RnnConfig(RecurrentConfig):
    """Plain tanh cells (Elman)."""

    kind: Literal["rnn"] = "rnn"


class LstmConfig(RecurrentConfig):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    kind: Literal["lstm"] = "lstm"


class GruConfig(RecurrentConfig):
    """Gated recurrent units (Cho et al. 2014)."""

    kind: Literal["gru"] = "gru"


class AttentionConfig(RecurrentConfig):
    """LSTM layers encode, as many decode, attending to what was encoded so far (Luong et al. 2015)."""

    kind: Literal["attention"] = "attention"


class TransformerConfig(Dressed):
    """Causal self-attention; the defaults are the thesis's reading of Alibaba's BST (Chen et al. 2019)."""

    kind: Literal["transformer"] = "transformer"
    state_dim: PositiveInt | Literal["none"] = "none"
    head: tuple[PositiveInt, ...] = (1024, 512, 256)
    blocks: PositiveInt = 1
    heads: PositiveInt = 8
    feed_forward: PositiveInt = 2048
    norm_first: bool = False  # normalise before each part of a block instead of after: deep stacks train
    block_dropout: Dropout = 0.0  # after attention and feed-forward

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.item_embedding % self.heads:
            raise ValueError(f"item_embedding {self.item_embedding} is not a multiple of heads {self.heads}")
        return self


SequencerConfig = Annotated[
    RnnConfig | LstmConfig | GruConfig | AttentionConfig | TransformerConfig, Field(discriminator="kind")
]
