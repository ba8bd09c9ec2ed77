"""Which contenders meet in which row, and by how much one should be faster than the other.

peak            the thesis's LSTM beside the machine's matrix peak
prefixes        one pass against one sample a prefix, padded and packed, with one loss
recbole         our GRU against RecBole's GRU4Rec
rectools        our transformer against RecTools' SASRec
users           a step with 1.4 M users against one with the log's own 22 thousand, full softmax
users-sampled   the same, sampled softmax
"""

from dataclasses import dataclass
from typing import Literal

from speed_plans import Cut

from hm_pipeline.models.sequencer_config import GruConfig, LstmConfig, SequencerConfig
from hm_pipeline.training.config import FullSoftmax, LossConfig, SampledSoftmax, TrainingConfig

Peer = Literal["recbole", "rectools"]
BATCH_TARGETS, MAX_HISTORY = 2048, 20
FULL, SAMPLED = FullSoftmax(), SampledSoftmax(negatives=2048)
PEAK = "matrix peak"


@dataclass(frozen=True)
class Contender:
    """Somebody who trains; a peer's `config` is ours of equal width, which its cost is reckoned by."""

    name: str
    config: SequencerConfig
    cut: Cut = "one_pass"
    user_stride: int = 1  # the table of users is so many times as large
    peer: Peer | None = None
    least_steps: int = 1  # of a turn, however long: batches of packed prefixes differ twentyfold


@dataclass(frozen=True)
class Claim:
    """How often the first does what the second does once."""

    faster: str
    slower: str
    aim: float
    at_most: bool = False  # the aim is a bound from above: step times, not rates


@dataclass(frozen=True)
class Row:
    """Contenders that take turns, and what is claimed of them."""

    name: str
    contenders: tuple[Contender, ...]
    claims: tuple[Claim, ...] = ()
    steps: int | None = None  # a turn is so many steps, instead of so many seconds
    share_aim: float | None = None  # of the matrix peak, of the first contender


def training(loss: LossConfig) -> TrainingConfig:
    """Long enough never to end; everything else as the thesis has it."""
    return TrainingConfig(
        batch_targets=BATCH_TARGETS,
        max_history=MAX_HISTORY,
        unknown_user_share=0.0,
        cycle_epochs=1000,
        max_epochs=1000,
        loss=loss,
    )


def thesis(loss: LossConfig) -> LstmConfig:
    """Three layers of 512, items and users of 256 each: the defaults."""
    return LstmConfig(training=training(loss))


def gru(loss: LossConfig) -> GruConfig:
    """RecBole's GRU4Rec at this width: no users, one table of items, dropout on what is read."""
    return GruConfig(user_embedding="none", tied=True, embedding_dropout=0.3, training=training(loss))


def transformer(loss: LossConfig) -> SequencerConfig:
    """RecTools' SASRec at its own defaults: 2 blocks of 256 with 4 heads, dropout .2, one table of items."""
    from hm_pipeline.models.sequencer_config import TransformerConfig

    return TransformerConfig(
        user_embedding="none",
        item_embedding=256,
        blocks=2,
        heads=4,
        feed_forward=256,
        head=(),
        tied=True,
        norm_first=True,
        embedding_dropout=0.2,
        block_dropout=0.2,
        training=training(loss),
    )


def rows() -> dict[str, Row]:
    """All of them, by name."""
    made = (
        _peak(),
        _prefixes(),
        _recbole(),
        _rectools(),
        _users("users", FULL),
        _users("users-sampled", SAMPLED),
    )
    return {row.name: row for row in made}


def _peak() -> Row:
    return Row("peak", (Contender("LSTM, one pass", thesis(FULL)),), share_aim=0.65)


def _prefixes() -> Row:
    one, sampled = (
        Contender("LSTM, one pass", thesis(FULL)),
        Contender("LSTM, one pass, sampled", thesis(SAMPLED)),
    )
    padded = Contender("LSTM, prefixes padded", thesis(FULL), cut="padded")
    packed = Contender("LSTM, prefixes packed", thesis(FULL), cut="packed", least_steps=19)
    claims = (
        Claim(one.name, padded.name, 8),
        Claim(one.name, packed.name, 3),
        Claim(sampled.name, padded.name, 14),
    )
    return Row("prefixes", (one, padded, packed, sampled), claims, share_aim=0.65)


def _recbole() -> Row:
    peer = Contender("RecBole GRU4Rec", gru(FULL), cut="padded", peer="recbole")
    return _against(
        peer, Contender("GRU, one pass", gru(FULL)), Contender("GRU, one pass, sampled", gru(SAMPLED))
    )


def _rectools() -> Row:
    peer = Contender("RecTools SASRec", transformer(FULL), peer="rectools")
    sampled = Contender("transformer, one pass, sampled", transformer(SAMPLED))
    return _against(peer, Contender("transformer, one pass", transformer(FULL)), sampled)


def _against(peer: Contender, full: Contender, sampled: Contender) -> Row:
    claims = (Claim(full.name, peer.name, 8), Claim(sampled.name, peer.name, 15))
    return Row(peer.peer or "", (full, peer, sampled), claims)


def _users(name: str, loss: LossConfig) -> Row:
    few = Contender("LSTM, 22 k users", thesis(loss))
    many = Contender("LSTM, 1.4 M users", thesis(loss), user_stride=63)
    return Row(name, (few, many), (Claim(many.name, few.name, 1.1, at_most=True),), steps=16)
