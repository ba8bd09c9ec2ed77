"""Which configurations of each model validation chooses from; small, and declared before the test is read."""

from collections.abc import Callable
from itertools import product
from typing import Literal

from logs import BEAUTY, ESHOP, YOOCHOOSE, Source

from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.itemknn import ItemKnnConfig, MarkovConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.models.repeat import RepeatConfig
from hm_pipeline.models.sequencer_config import LstmConfig
from hm_pipeline.training.config import SampledSoftmax, TrainingConfig

Model = Literal[
    "popularity",
    "repeat",
    "markov",
    "itemknn",
    "itemknn_chosen",
    "als",
    "aals",  # the factors that als chose, nearest items by Annoy
    "lstm",  # thesis sizes on eshop, small ones elsewhere
    "lstm_small",  # the small one on eshop
]
ALS = {  # factors, alphas
    ESHOP: ((8, 16, 64), (1.0, 10.0, 40.0)),
    YOOCHOOSE: ((64, 128), (1.0, 10.0, 40.0, 100.0)),
    BEAUTY: ((64, 128, 256), (1.0, 10.0, 40.0)),
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


def grid(source: Source, model: Model, chosen: Callable[[Model], ModelConfig]) -> tuple[ModelConfig, ...]:
    """The configurations to try; `chosen` tells what validation chose for another model."""
    match model:
        case "itemknn_chosen":
            return _itemknn()
        case "als":
            return tuple(AlsConfig(factors=f, alpha=a) for f, a in product(*ALS[source]))
        case "aals":
            return (AalsConfig(**chosen("als").model_dump(exclude={"kind"})),)
        case "lstm" if source == ESHOP:
            return _thesis()
        case "lstm" | "lstm_small":
            return _small()
        case _:
            return (DEFINED[model],)


def _itemknn() -> tuple[ModelConfig, ...]:
    """Between markov (damping 0, backward 0, steep decay) and the definition (.3, .5, .6)."""
    axes = product((0.0, 0.3), (0.0, 0.5), (0.2, 0.4, 0.6))
    return tuple(ItemKnnConfig(damping=d, backward=b, decay=a) for d, b, a in axes)


def _thesis() -> tuple[ModelConfig, ...]:
    """The thesis's sizes; its own schedule, and one that rises higher and ends sooner."""
    own = TrainingConfig(unknown_user_share=0.0)
    sooner = own.model_copy(update={"max_lr": 2e-3, "cycle_epochs": 5.0, "max_epochs": 5.0})
    return (LstmConfig(training=own), LstmConfig(training=sooner))


def _small() -> tuple[ModelConfig, ...]:
    """One layer, one table of item vectors, a sampled softmax; nobody's id is learned."""
    training = TrainingConfig(
        batch_targets=1024, max_lr=5e-3, cycle_epochs=10, max_epochs=10, loss=SampledSoftmax(negatives=1024)
    )
    return tuple(
        LstmConfig(
            user_embedding="none",
            item_embedding=width,
            hidden=2 * width,
            layers=1,
            state_dim=width,
            tied=True,
            popularity_bias=True,
            embedding_dropout=dropout,
            query_dropout=dropout,
            training=training,
        )
        for width, dropout in ((64, 0.2), (128, 0.5))
    )
