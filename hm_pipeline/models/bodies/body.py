"""A configuration to its body: the one place that knows them all.

The law of a body, tested on every one: `body(x_BLD, noise)` is states_BLW of `body.width`, and a later
item never changes an earlier state. Histories are padded on the right, so it never sees padding first.
"""

from typing import assert_never

from hm_pipeline.models.bodies.attention import Attention
from hm_pipeline.models.bodies.recurrent import Recurrent
from hm_pipeline.models.bodies.transformer import Transformer
from hm_pipeline.models.sequencer_config import (
    AttentionConfig,
    GruConfig,
    LstmConfig,
    RnnConfig,
    SequencerConfig,
    TransformerConfig,
)

Body = Recurrent | Attention | Transformer


def body_of(config: SequencerConfig) -> Body:
    """The body a configuration asks for."""
    width = config.item_embedding
    match config:
        case RnnConfig() | LstmConfig() | GruConfig():
            return Recurrent(config.kind, width, config.hidden, config.layers, config.layer_dropout)
        case AttentionConfig():
            return Attention(width, config.hidden, config.layers, config.layer_dropout)
        case TransformerConfig():
            longest = config.training.max_history + 1  # the start symbol is not counted in max_history
            return Transformer(
                width,
                config.blocks,
                config.heads,
                config.feed_forward,
                longest,
                norm_first=config.norm_first,
                dropout=config.block_dropout,
            )
        case _:
            assert_never(config)
