"""Markdown of the records."""

from collections.abc import Mapping
from statistics import mean, stdev

from records import Journal, Pair, Result, Trial

from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.markdown import table
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.blend_config import BlendConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.itemknn import ItemKnnConfig
from hm_pipeline.models.sequencer_config import RecurrentConfig, SequencerConfig, TransformerConfig

SHARES = {"hr": "HR@14", "ndcg": "NDCG@14", "coverage": "coverage", "personalization": "personalization"}
HEAD = ("model", *SHARES.values(), "ANN recall", "epochs", "fit s", "lists s", "MiB", "sizes")
SEEDS = ("best", "best_seed_2", "best_seed_3")


def results_table(results: Mapping[str, Result], journal: Journal) -> str:
    """One row a model, best HR first."""
    ordered = sorted(results.values(), key=lambda r: -(r.metrics["hr"].mean or 0.0))
    return table(HEAD, [_row(result, journal) for result in ordered])


def summary_table(logs: Mapping[str, Mapping[str, Result]]) -> str:
    """HR of every model on every log."""
    models = dict.fromkeys(model for results in logs.values() for model in results)
    rows = [(m, *(_share(r[m].metrics["hr"]) if m in r else "" for r in logs.values())) for m in models]
    over_seeds = ("best, mean of three seeds", *(_over_seeds(results) for results in logs.values()))
    return table(("HR@14", *logs), [*rows, over_seeds])


def _over_seeds(results: Mapping[str, Result]) -> str:
    """The mean, and its standard error over the seeds."""
    rates = [results[model].metrics["hr"].mean or 0.0 for model in SEEDS if model in results]
    if len(rates) < len(SEEDS):
        return ""
    return _share(Estimate(mean=mean(rates), se=stdev(rates) / len(rates) ** 0.5))


def pairs_table(results: Mapping[str, Result], pairs: Mapping[tuple[str, str], Pair]) -> str:
    """The best model against each other, and the LSTM against markov, user by user."""
    ordered = sorted(results.values(), key=lambda r: -(r.metrics["hr"].mean or 0.0))
    best = ordered[0].model
    wanted = [(best, other.model) for other in ordered[1:]] + [("lstm", "markov"), ("lstm", "itemknn")]
    rows = [_pair_row(pairs[key]) for key in dict.fromkeys(wanted) if key in pairs]
    return table(("paired HR@14", "difference", "standard errors"), rows) if rows else ""


def grids_table(log: str, results: Mapping[str, Result], journal: Journal) -> str:
    """What validation chose from, where there was a choice."""
    rows = []
    for model, result in results.items():
        trials = journal.trials(log, model, result.samples)
        if len(trials) > 1:
            rows += [_trial_row(trial, chosen=trial.config == result.config) for trial in trials.values()]
    return table(("model", "validation HR@14", "fit s", "epochs", "sizes"), rows) if rows else ""


def _row(result: Result, journal: Journal) -> tuple[str, ...]:
    facts = result.facts
    tried = journal.trials(result.log, result.model, result.samples).get(result.config.fingerprint())
    peak = journal.peak(result)
    recall = f"{facts['ann_recall_at_k']:.3f}" if "ann_recall_at_k" in facts else ""
    return (
        result.model,
        *(_share(result.metrics[name]) for name in SHARES),
        recall,
        _epochs(tried) if tried else "",
        f"{result.seconds:,.1f}",
        f"{result.answer_seconds:,.1f}",
        f"{peak:,.0f}" if peak else "",
        _sizes(result.config),
    )


def _pair_row(pair: Pair) -> tuple[str, ...]:
    gain, se = pair.difference.mean or 0.0, pair.difference.se
    z = f"{gain / se:+.1f}" if se else "-"
    return f"{pair.a} - {pair.b}", f"{gain:+.4f} ±{se or 0:.4f}", z


def _trial_row(trial: Trial, *, chosen: bool) -> tuple[str, ...]:
    text = _share(trial.validation["hr"])
    return (
        trial.model,
        f"**{text}**" if chosen else text,
        f"{trial.seconds:,.1f}",
        _epochs(trial),
        _sizes(trial.config),
    )


def _epochs(trial: Trial) -> str:
    """The epoch that was kept, of how many, and why it ended."""
    report = trial.report
    if report.chosen_epochs is None:
        return ""
    return f"{report.chosen_epochs:.3g} of {report.epochs[-1].epoch:.3g} ({report.stopped})"


def _sizes(config: ModelConfig) -> str:
    """What validation chose, or what is fixed by definition."""
    match config:
        case AlsConfig() | AalsConfig():
            return f"{config.factors} factors, alpha {config.alpha:g}"
        case ItemKnnConfig():
            return f"damping {config.damping:g}, backward {config.backward:g}, decay {config.decay:g}"
        case RecurrentConfig() | TransformerConfig():
            return _net(config)
        case BlendConfig(net=net, itemknn=knn):
            return f"{net.kind} {_net(net)}; times itemknn ({_sizes(knn)})"
        case _:
            return ""


def _net(config: SequencerConfig) -> str:
    """Widths, then what keeps it from learning by heart, then the schedule."""
    t = config.training
    if isinstance(config, TransformerConfig):
        body = f"{config.blocks} x {config.feed_forward} in {config.heads} heads"
    else:
        body = f"{config.layers} x {config.hidden}"
    body = f"{config.members} of {body}" if config.members > 1 else body
    extras = ", both ways" * t.both_ways + f", {t.horizon} items ahead" * (t.horizon > 1)
    extras += "".join(f", {name}" for name in config.attributes)
    return (
        f"{body}, items {config.item_embedding}, users {config.user_embedding}, "
        f"dropout {config.query_dropout:g}, {t.loss.kind} softmax{extras}, "
        f"batch {t.batch_targets:,}, rate {t.max_lr:g} over {t.cycle_epochs:g} epochs"
    )


def _share(estimate: Estimate) -> str:
    if estimate.mean is None:
        return "-"
    error = "" if estimate.se is None else f" ±{estimate.se:.4f}"
    return f"{estimate.mean:.4f}{error}"
