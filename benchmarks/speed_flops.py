"""How much multiplying a target needs, by formula: what a share of the matrix peak is a share of.

FLOP of a forward pass; a step is three times that (backward multiplies each matrix twice). Sums of
attention (4 L D a position), additions, activations and the optimiser are left out: they only make the
shares smaller than they are. D width, H hidden, F feed-forward, Q width of a query, V items.
"""

from dataclasses import dataclass

from hm_pipeline.models.sequencer_config import AttentionConfig, SequencerConfig, TransformerConfig
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax, chosen

GATES = {"rnn": 1, "gru": 3, "lstm": 4}  # products with the input and the state, each


@dataclass(frozen=True)
class Cost:
    """FLOP of a whole step, for each position that is read and each that meets the softmax."""

    position: float
    target: float

    @classmethod
    def of(cls, config: SequencerConfig, V: int) -> "Cost":
        """Of a net of ours; a peer's of equal width costs the same."""
        state = _width(config) if config.state_dim == "none" else config.state_dim
        query = state + config.user_width
        meet = 2 * query * config.item_embedding if config.tied else 0
        projection = 2 * _width(config) * state if config.state_dim != "none" else 0
        width = config.item_embedding if config.tied else query
        softmax = 2 * width * _opponents(config.training.loss, V)
        return cls(3 * (_body(config) + projection), 3 * (meet + softmax))

    def flop(self, positions: int, scored: int) -> float:
        """Of so many."""
        return self.position * positions + self.target * scored


def _width(config: SequencerConfig) -> int:
    """Of a body's states."""
    return config.item_embedding if isinstance(config, TransformerConfig) else config.hidden


def _body(config: SequencerConfig) -> int:
    """Of one position."""
    D = config.item_embedding
    match config:
        case TransformerConfig(blocks=blocks, feed_forward=F):
            return blocks * (8 * D * D + 4 * D * F)
        case AttentionConfig(hidden=H, layers=layers):
            return _recurrent(4, D, H, layers) + 8 * D * H + layers * 16 * H * H
        case _:
            return _recurrent(GATES[config.kind], D, config.hidden, config.layers)


def _recurrent(gates: int, D: int, H: int, layers: int) -> int:
    widths = [D] + [H] * (layers - 1)
    return sum(2 * gates * H * (width + H) for width in widths)


def _opponents(loss: LossConfig, V: int) -> int:
    match chosen(loss, V, on_gpu=False):
        case FullSoftmax():
            return V
        case SampledSoftmax(negatives=S):
            return S + 1
