"""Does a sampled softmax find what the full one finds, and from which catalogue on is it worth it?

    python benchmarks/losses.py                         everything: hours of one core, resumes fit by fit
    python benchmarks/losses.py --items 4000 --seeds 1  some of it
    python benchmarks/losses.py --table --json benchmarks/losses.jsonl   of the committed figures

The small GRU of grids.py on amazon_beauty_seq, whole or cut to its most frequent items. Contenders from the
same seed, each keeping its best epoch on validation:

    full            every item stands against the target
    sampled         2,048 drawn ones do, with the logQ correction; as many epochs
    full, briefly   the full one with a whole schedule in the CPU time of the sampled one's
    …, at its best  both for 15 epochs, with item vectors that learn at three times the rate of all else

One thread each, so that CPU seconds are comparable though the machine has other work.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, get_args

from display import live, say
from grids import small
from logs import BEAUTY, ENVIRONMENT, data_root, load, why_not
from losses_records import Contender, Journal, LossFit
from losses_tables import tables

from hm_pipeline.models.sequencer_config import GruConfig, SequencerConfig
from hm_pipeline.training.config import FullSoftmax, SampledSoftmax

if TYPE_CHECKING:
    from hm_pipeline.data.samples import Samples
    from hm_pipeline.evaluation.estimate import Estimate
    from hm_pipeline.models.recommender import Recommender

WORK = Path(__file__).resolve().parents[1] / "hm-data" / "benchmarks"
K = 14
WHOLE = 12_101  # Beauty's items
ITEMS = (WHOLE, 8_000, 4_000, 2_000)
SAMPLED = SampledSoftmax(negatives=2048)  # as `auto` draws
AT_ITS_BEST = {"cycle_epochs": 15.0, "max_epochs": 15.0, "table_rate": 3.0}  # chosen on validation, seed 1


def main() -> None:
    """Measure what is asked for and not known, then print all that is known."""
    asked_for = _arguments()
    journal = Journal(asked_for.json)
    if not asked_for.table:
        import torch

        torch.set_num_threads(1)
        for items in asked_for.items:
            measure(items, asked_for.contenders, asked_for.seeds, journal, data_root(asked_for.data))
    print(tables(journal))


def measure(items: int, contenders: list[Contender], seeds: list[int], journal: Journal, root: Path) -> None:
    """Contenders and seeds of one catalogue."""
    missing = why_not(BEAUTY, root)
    if missing:
        raise SystemExit(f"nothing to train on: {missing}")
    samples = cut(items, root)
    for contender in contenders:
        for seed in seeds:
            if seed not in journal.fits(contender, items):
                epochs = _epochs(contender, items, journal)
                fit = fitted(items, contender, config_of(contender, seed, epochs), samples)
                journal.add(fit)
                say(f"{items:,} items  {contender}  seed {seed}  validation {fit.validation.mean:.4f}  "
                    f"test {fit.test.mean:.4f}  {fit.seconds:,.0f} CPU seconds")  # fmt: skip


def cut(items: int, root: Path) -> "Samples":
    """Beauty's histories of its `items` most frequent items."""
    import polars as pl

    from hm_pipeline.data.build import build
    from hm_pipeline.data.log import InteractionLog
    from hm_pipeline.data.sample_config import SampleConfig

    log, catalogue = load(BEAUTY, root)
    if items < WHOLE:
        counts = log.frame["item_id"].value_counts().sort(["count", "item_id"], descending=[True, False])
        kept = log.frame.filter(pl.col("item_id").is_in(counts["item_id"].head(items).implode()))
        log = InteractionLog.of(log.market, log.first_day, log.last_day, kept)
    return build(log, catalogue, SampleConfig(), "leave_last_out")


def config_of(contender: Contender, seed: int, epochs: float | None) -> SequencerConfig:
    """The small GRU with this loss; `epochs` where they are not its own ten."""
    config = small(GruConfig, 128, 0.5)
    loss = SAMPLED if contender.startswith("sampled") else FullSoftmax()
    schedule = {} if epochs is None else {"cycle_epochs": epochs, "max_epochs": epochs}
    if contender.endswith("at its best"):
        schedule = AT_ITS_BEST
    training = config.training.model_copy(update={"seed": seed, "loss": loss, **schedule})
    return config.model_copy(update={"training": training})


def fitted(items: int, contender: Contender, config: SequencerConfig, samples: "Samples") -> LossFit:
    """One fit and its two answers."""
    from hm_pipeline.models.fitting import FitContext
    from hm_pipeline.models.sequencer import fit_sequencer

    looks: list[float] = []
    with live() as progress, TemporaryDirectory() as folder:
        context = FitContext(
            k=K,
            progress=progress,
            checkpoints=Path(folder),
            on_checkpoint=lambda: looks.append(time.process_time()),
        )
        began = time.process_time()
        done = fit_sequencer(config, samples, context)
    return LossFit(
        items=items,
        contender=contender,
        seed=config.training.seed,
        samples=samples.digest,
        config=config,
        report=done.report,
        seconds=looks[-1] - began,
        validation=hit_rate(done.model, samples, "validation"),
        test=hit_rate(done.model, samples, "test"),
    )


def hit_rate(model: "Recommender", samples: "Samples", name: str) -> "Estimate":
    """HR@14 over the users of a holdout."""
    from hm_pipeline.evaluation.estimate import average

    holdout = samples.holdouts[name]
    lists = model.recommend(holdout.histories, K)
    return average((lists.items == holdout.targets[:, None]).any(axis=1).astype(float))


def _epochs(contender: Contender, items: int, journal: Journal) -> float | None:
    """How many epochs of the full softmax cost what all of the sampled one's do; None for the others.

    Measured once a catalogue, on the seed that was fitted first, so that all seeds have one schedule.
    """
    if contender != "full, briefly":
        return None
    full, sampled = journal.fits("full", items), journal.fits("sampled", items)
    seed = next(iter(full))
    whole = full[seed].config.training.max_epochs
    return round(whole * min(1.0, sampled[seed].seconds / full[seed].seconds), 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", nargs="+", type=int, default=ITEMS, help="sizes of the catalogue")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], help="paired (default: 1 2 3)")
    known = get_args(Contender)
    parser.add_argument("--contenders", nargs="+", choices=known, default=known, help="in the order of need")
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument(
        "--json",
        type=Path,
        default=WORK / "losses.jsonl",
        metavar="FILE",
        help="fits, one JSON line each (default: hm-data/benchmarks/losses.jsonl)",
    )
    parser.add_argument(
        "--data", type=Path, help=f"folder of the logs (default: ${ENVIRONMENT}, else ../shared/data)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
