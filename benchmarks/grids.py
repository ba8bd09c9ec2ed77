"""Which configurations of each model validation chooses from; small, and declared before the test is read."""

from collections.abc import Callable
from itertools import product
from typing import Any, Literal, NamedTuple

from logs import BEAUTY, ESHOP, YOOCHOOSE, Source

from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.itemknn import ItemKnnConfig, MarkovConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.models.repeat import RepeatConfig
from hm_pipeline.models.sequencer_config import (
    AttentionConfig,
    AttributeName,
    GruConfig,
    LstmConfig,
    RnnConfig,
    SequencerConfig,
    TransformerConfig,
)
from hm_pipeline.training.config import ChosenSoftmax, FullSoftmax, SampledSoftmax, TrainingConfig

Model = Literal[
    "popularity",
    "repeat",
    "markov",
    "itemknn",
    "itemknn_chosen",
    "als",
    "aals",  # the factors that als chose, nearest items by Annoy
    "rnn",  # the five of the thesis: its sizes on eshop, small ones elsewhere
    "lstm",
    "gru",
    "attention",
    "transformer",
    "lstm_small",  # the small one on eshop
    "best",  # the kind of the profile `best`: what we would ship; sizes chosen with seed 1,
    "best_seed_2",  # and what was chosen with two more
    "best_seed_3",
]


class BestRow(NamedTuple):
    """What validation may choose for `best`."""

    width: int
    dropout: float
    epochs: int = 8
    attributes: tuple[AttributeName, ...] = ()
    negatives: int = 1024  # where the catalogue is too large for the full softmax
    members: int = 1  # nets whose logits are averaged


NEIGHBOURS = {  # what validation chose for itemknn_chosen
    ESHOP: ItemKnnConfig(damping=0.0, backward=0.0, decay=0.2),
    YOOCHOOSE: ItemKnnConfig(damping=0.3, backward=0.5, decay=0.4),
    BEAUTY: ItemKnnConfig(damping=0.0, backward=0.0, decay=0.4),
}
KINDS: dict[str, type[SequencerConfig]] = {
    "rnn": RnnConfig,
    "lstm": LstmConfig,
    "gru": GruConfig,
    "attention": AttentionConfig,
    "transformer": TransformerConfig,
}
ALS = {  # factors, alphas
    ESHOP: ((8, 16, 64), (1.0, 10.0, 40.0)),
    YOOCHOOSE: ((64, 128), (1.0, 10.0, 40.0, 100.0)),
    BEAUTY: ((64, 128, 256), (1.0, 10.0, 40.0)),
}
BEST: dict[Source, tuple[BestRow, ...]] = {
    ESHOP: (
        BestRow(128, 0.3),
        BestRow(128, 0.3, attributes=("category",)),
        BestRow(256, 0.4),
        BestRow(256, 0.4, members=4),
    ),
    YOOCHOOSE: (BestRow(128, 0.3), BestRow(128, 0.3, epochs=12), BestRow(128, 0.3, members=4)),
    BEAUTY: (BestRow(128, 0.5), BestRow(128, 0.5, members=4)),
}
DEFINED: dict[Model, ModelConfig] = {  # nothing is chosen
    "popularity": PopularityConfig(),
    "repeat": RepeatConfig(),
    "markov": MarkovConfig(),
    "itemknn": ItemKnnConfig(),
}


def asked(source: Source, model: Model) -> bool:
    """Whether the model has a place in the table of this log."""
    return model != "lstm_small" or source == ESHOP


def grid(  # noqa: PLR0911 - a case a family
    source: Source, model: Model, chosen: Callable[[Model], ModelConfig]
) -> tuple[ModelConfig, ...]:
    """The configurations to try; `chosen` tells what validation chose for another model."""
    match model:
        case "itemknn_chosen":
            return _itemknn()
        case "als":
            return tuple(AlsConfig(factors=f, alpha=a) for f, a in product(*ALS[source]))
        case "aals":
            return (AalsConfig(**chosen("als").model_dump(exclude={"kind"})),)
        case "rnn" | "lstm" | "gru" | "attention" | "transformer" | "lstm_small":
            return _nets(source, model)
        case "best":
            return _best(source)
        case "best_seed_2" | "best_seed_3":
            return (_seeded(chosen("best"), int(model[-1])),)
        case _:
            return (DEFINED[model],)


def _itemknn() -> tuple[ModelConfig, ...]:
    """Between markov (damping 0, backward 0, steep decay) and the definition (.3, .5, .6)."""
    axes = product((0.0, 0.3), (0.0, 0.5), (0.2, 0.4, 0.6))
    return tuple(ItemKnnConfig(damping=d, backward=b, decay=a) for d, b, a in axes)


def _nets(source: Source, model: Model) -> tuple[ModelConfig, ...]:
    """The thesis's sizes on eshop, small ones elsewhere; the LSTM, tried first, has two to choose from."""
    if model == "lstm_small" or (model == "lstm" and source != ESHOP):
        return (small(LstmConfig, 64, 0.2), small(LstmConfig, 128, 0.5))
    if source != ESHOP:
        return (small(KINDS[model], 128, 0.5),)
    own = _thesis(KINDS[model])
    if model != "lstm":
        return (own,)
    return (own, _thesis(LstmConfig, max_lr=2e-3, cycle_epochs=5.0, max_epochs=5.0))


def _thesis(kind: type[SequencerConfig], **schedule: float) -> SequencerConfig:
    """The thesis's sizes and its own schedule, unless told otherwise."""
    return kind(training=TrainingConfig(unknown_user_share=0.0, loss=FullSoftmax(), **schedule))


def small(kind: type[SequencerConfig], width: int, dropout: float) -> SequencerConfig:
    """One layer, one table of item vectors, a sampled softmax; nobody's id is learned."""
    training = TrainingConfig(
        batch_targets=1024, max_lr=5e-3, cycle_epochs=10, max_epochs=10, loss=SampledSoftmax(negatives=1024)
    )
    sizes: dict[str, Any] = {"hidden": 2 * width, "layers": 1, "state_dim": width}
    if kind is TransformerConfig:  # a fifth of the rate: at .005 it does not learn
        sizes = {"feed_forward": 2 * width, "heads": 4, "head": (), "norm_first": True, "block_dropout": 0.2}
        training = training.model_copy(update={"max_lr": 1e-3})
    return kind(
        user_embedding="none",
        item_embedding=width,
        tied=True,
        popularity_bias=True,
        embedding_dropout=dropout,
        query_dropout=dropout,
        training=training,
        **sizes,
    )


def _best(source: Source) -> tuple[ModelConfig, ...]:
    """A GRU that reads both ways and learns four items ahead, one or four of them, times itemknn."""
    return tuple(_blend(source, row) for row in BEST[source])


def _blend(source: Source, row: BestRow) -> BlendConfig:
    training = TrainingConfig(
        batch_targets=1024,
        max_lr=5e-3,
        cycle_epochs=row.epochs,
        max_epochs=row.epochs,
        both_ways=True,
        horizon=4,
        loss=ChosenSoftmax(negatives=row.negatives),
    )
    gru = GruConfig(
        members=row.members,
        user_embedding="none",
        item_embedding=row.width,
        hidden=2 * row.width,
        layers=1,
        state_dim="none",
        tied=True,
        popularity_bias=True,
        embedding_dropout=row.dropout,
        query_dropout=row.dropout,
        attributes=row.attributes,
        training=training,
    )
    return BlendConfig(net=gru, itemknn=NEIGHBOURS[source])


def _seeded(config: ModelConfig, seed: int) -> ModelConfig:
    """The same blend from another seed."""
    assert isinstance(config, BlendConfig)
    training = config.net.training.model_copy(update={"seed": seed})
    return config.model_copy(update={"net": config.net.model_copy(update={"training": training})})
