"""Item vectors and queries of fitted models: what a search meets in life, and drawn numbers are not.

als …     128 factors, alpha 10, the other settings those of the library; queries are folded-in histories
lstm …    the profile `study`, trained for as long as it is given; the bias is one more number of a vector
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from logs import BEAUTY, YOOCHOOSE, Source, load

if TYPE_CHECKING:
    import numpy as np

    from hm_pipeline.data.histories import Histories
    from hm_pipeline.data.log import Catalogue, InteractionLog
    from hm_pipeline.data.samples import Samples

JOURNEY = Source("complete_journey", "purchase", "basket_id")  # inside a basket the order is not known
ELECTRONICS = Source("amazon_electronics_2019", "review", "timestamp")
PROFILES = Path(__file__).resolve().parents[1] / "deploy" / "profiles"
MOST_SOLD = 36_000
QUERIES = 8_192
LSTM_EPOCHS = 4
CATALOGUES = (
    "als journey 36k",
    "als journey",
    "als yoochoose",
    "als beauty",
    "als electronics",
    "lstm yoochoose",
    "als sim",
)


def vectors(name: str, data: Path, raw: Path | None, work: Path) -> Path:
    """The file of this catalogue's vectors and queries; it is made where it is not there."""
    file = work / f"{name.replace(' ', '-')}.npz"
    if not file.exists():
        import numpy as np

        file.parent.mkdir(parents=True, exist_ok=True)
        samples = samples_of(name.split(" ", 1)[1], data, raw)
        items, queries = (_lstm if name.startswith("lstm") else _als)(samples)
        np.savez(file, items=items, queries=queries)
    return file


def samples_of(log: str, data: Path, raw: Path | None) -> "Samples":
    """Of one log, leave last out."""
    from hm_pipeline.data.build import SampleConfig, build

    match log:
        case "yoochoose":
            rows, catalogue = load(YOOCHOOSE, data)
        case "beauty":
            rows, catalogue = load(BEAUTY, data)
        case "electronics":
            rows, catalogue = load(ELECTRONICS, data)
        case "sim":
            rows, catalogue = _simulated(raw)
        case _:
            rows, catalogue = load(JOURNEY, data)
    if log == "journey 36k":
        sold = rows.frame.group_by("item_id").len().sort(["len", "item_id"], descending=[True, False])
        kept = sold.head(MOST_SOLD)["item_id"]
        rows = replace(rows, frame=rows.frame.filter(pl.col("item_id").is_in(kept.implode())))
    return build(rows, catalogue, SampleConfig(), "leave_last_out")


def _simulated(raw: Path | None) -> tuple["InteractionLog", "Catalogue"]:
    """The views of every fourth user on the first three days of a simulated shop."""
    from hm_pipeline.data.log import LOG_SCHEMA, Catalogue, InteractionLog

    if raw is None:
        raise SystemExit("als sim needs --raw: a folder that `hm simulate` wrote")
    days = sorted((raw / "web_interactions" / "market=sim").glob("date=*"))[:3]
    files = [file for day in days for file in sorted(day.glob("*.parquet"))]
    stamp = pl.col("timestamp").cast(pl.Datetime("us", "UTC"))
    frame = (
        pl.scan_parquet(files, hive_partitioning=False)
        .filter((pl.col("event_type") == "view") & pl.col("user_id").str.contains("[048]$"))
        .with_columns(timestamp=stamp, day=stamp.dt.date(), order=pl.lit(None, pl.Int64))
        .collect()
    )
    frame = frame.cast(LOG_SCHEMA).select(LOG_SCHEMA.names())
    first, last = frame.select(first=pl.col("day").min(), last=pl.col("day").max()).row(0)
    return InteractionLog("sim", first, last, frame), Catalogue.empty()


def _als(samples: "Samples") -> tuple["np.ndarray", "np.ndarray"]:
    from hm_pipeline.models.als_config import AlsConfig
    from hm_pipeline.models.factors import trained_factors
    from hm_pipeline.progress import silent

    factors = trained_factors(AlsConfig(), samples, silent, "")
    return factors.items, factors.queries(_asked(samples))


def _lstm(samples: "Samples") -> tuple["np.ndarray", "np.ndarray"]:
    import tomllib

    from hm_pipeline.models.sequencer import fit_sequencer
    from hm_pipeline.models.sequencer_config import LstmConfig
    from hm_pipeline.models.sequencer_recommender import SequencerRecommender

    sizes = tomllib.loads((PROFILES / "study.toml").read_text())["models"]["lstm"]
    sizes["training"] |= {"cycle_epochs": LSTM_EPOCHS, "max_epochs": LSTM_EPOCHS}
    model = fit_sequencer(LstmConfig.model_validate(sizes), samples).model
    assert isinstance(model, SequencerRecommender)
    return model.item_table(), model.queries(_asked(samples))


def _asked(samples: "Samples") -> "Histories":
    """Test histories, evenly chosen, some twice where there are fewer than asked for."""
    import numpy as np

    histories = samples.holdouts["test"].histories
    histories = histories.take(np.flatnonzero(histories.lengths))
    return histories.take(np.arange(QUERIES) * 7919 % len(histories))
