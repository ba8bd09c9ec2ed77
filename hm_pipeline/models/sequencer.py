"""Samples and a configuration to a trained sequence model."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Holdout, Samples
from hm_pipeline.frozen import digest_of
from hm_pipeline.index.search import Exact
from hm_pipeline.index.tuning import built
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.ensemble import Net, untrained
from hm_pipeline.models.examples import examples
from hm_pipeline.models.fitting import EpochReport, FitContext, FitReport, Fitted
from hm_pipeline.models.recommender import Recommender
from hm_pipeline.models.sequencer_config import SequencerConfig
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.checkpoint import Checkpoints
from hm_pipeline.training.config import FullSoftmax, SampledSoftmax, TrainingConfig, chosen
from hm_pipeline.training.course import Course, Orders
from hm_pipeline.training.device import compiled, device_here, half_precision, quick_products
from hm_pipeline.training.loop import train
from hm_pipeline.training.losses import Objective
from hm_pipeline.training.ranks import Ranks
from hm_pipeline.training.windows import Windows

FULL = "full_softmax"  # a fact: which one the loss was, so that a refit learns what its candidate did


def fit_sequencer(config: SequencerConfig, samples: Samples, context: FitContext = FitContext()) -> Fitted:  # noqa: B008 - frozen
    """Train on `samples.train`, choose the epoch on the holdout `validation`, resume where it stopped.

    Raises EmptyWindowError where there is no target, DivergedError when the loss stops being a number.
    """
    device, training = device_here(), config.training
    net = net_of(config, samples).to(device)
    model = SequencerRecommender(net)
    plan = plan_of(config, samples, net)
    before = context.refit.facts.get(FULL) if context.refit else None
    full = None if before is None else bool(before)
    wanted = chosen(training.loss, len(samples.items) - 1, on_gpu=device.type == "cuda", full=full)
    objective = Objective.of(wanted, samples.counts)
    orders = _orders(config, samples, context, model, wanted)
    bodies = [member.body for member in net.members]
    with quick_products(device), compiled(bodies, training.compile):
        course = train(net, lambda batch: batch_loss(net, objective, batch), plan, training, orders)
    net.cpu()
    facts = _index(model, samples, context.k) | {FULL: float(isinstance(wanted, FullSoftmax))}
    return Fitted(model, _report(course, plan, net, facts))


def _index(model: SequencerRecommender, samples: Samples, k: int) -> dict[str, float]:
    """Give a trained model its index, and say what there is to say of it."""
    search = model.config.search
    if isinstance(search, Exact):
        return {}
    asked = examples(samples, search.recall_queries)
    index, facts = built(search, model.item_table(), model.queries(asked), asked.last, k)
    model.index = None if index.kind == "exact" else index
    return facts


def net_of(config: SequencerConfig, samples: Samples) -> Net:
    """An untrained net for these items and users."""
    codes = {str(name): torch.from_numpy(samples.attributes[name].codes) for name in config.attributes}
    net = untrained(config, len(samples.items), len(samples.users), codes)
    if config.popularity_bias:
        net.start_at_shares(torch.from_numpy(samples.counts).float())
    return net


def load_sequencer(folder: Path, config: SequencerConfig) -> Recommender:
    """The model that `save` wrote into this folder."""
    return SequencerRecommender.load(folder, config)


def plan_of(config: SequencerConfig, samples: Samples, net: Net) -> BatchPlan:
    """The batches of windows over the training histories."""
    t = config.training
    windows = _cut(t)(samples.train, t.max_history)
    return BatchPlan(windows, net.start_symbol, t.batch_targets, t.unknown_user_share, t.seed, t.horizon)


def _cut(training: TrainingConfig) -> Callable[[Histories, int], Windows]:
    if training.by_prefix:
        return Windows.by_prefix
    return Windows.both_ways if training.both_ways else Windows.one_pass


def batch_loss(net: Net, objective: Objective, batch: Batch) -> Tensor:
    """The mean loss over a batch's targets, where the net lies; of several members the mean of theirs."""
    batch = batch.to(net.item_bias.device)
    losses = [_loss(member, objective, batch, number) for number, member in enumerate(net.members)]
    return losses[0] if len(losses) == 1 else torch.stack(losses).mean()


def _loss(net: Sequencer, objective: Objective, batch: Batch, number: int) -> Tensor:
    """Of one member, whose dropout is its own."""
    with half_precision(net.item_bias.device):
        seed = (*batch.noise, number) if number else batch.noise
        noise = Noise(seed, compiled=net.config.training.compile)
        queries_TQ = net.encode(batch.items, batch.users, batch.at, noise)
    targets_TH = torch.cat([batch.targets[:, None], batch.later], dim=1)
    return objective(queries_TQ.to(net.item_bias.dtype), net, targets_TH, batch.seed)


def _orders(
    config: SequencerConfig,
    samples: Samples,
    context: FitContext,
    model: SequencerRecommender,
    loss: FullSoftmax | SampledSoftmax,
) -> Orders:
    """The context in the loop's own terms."""
    holdout, ranks = samples.holdouts.get("validation"), Ranks.here()
    epochs = context.refit.chosen_epochs if context.refit else None
    objective = loss.model_dump(mode="json", exclude={"chunk_elements"})  # another one on another device
    identity = digest_of(config.fingerprint(), samples.digest, context.k, epochs, objective)
    checkpoints = context.checkpoints
    return Orders(
        validate=(lambda: _hit_rate(model, holdout, context.k, ranks))
        if holdout is not None and len(holdout)
        else None,
        checkpoints=Checkpoints(checkpoints, identity, context.on_checkpoint) if checkpoints else None,
        should_stop=context.should_stop,
        stop_at_step=context.stop_at_step,
        epochs=epochs,
        progress=context.progress,
        stage=f"train {config.kind}",
    )


def _hit_rate(model: SequencerRecommender, holdout: Holdout, k: int, ranks: Ranks) -> float:
    """HR@k of the holdout, of which each rank scores its share."""
    mine = holdout.take(slice(ranks.rank, None, ranks.size))
    return ranks.total(round(model.hit_rate(mine, k) * len(mine))) / len(holdout)


def _report(course: Course, plan: BatchPlan, net: Net, facts: dict[str, float]) -> FitReport:
    chosen = course.best or course.readings[-1]
    return FitReport(
        epochs=tuple(
            EpochReport(epoch=r.epoch, step=r.step, loss=r.loss, validation_hr=r.hit_rate, rate=r.rate)
            for r in course.readings
        ),
        chosen_epochs=chosen.epoch,
        chosen_step=chosen.step,
        stopped=course.stopped,
        facts={
            "parameters": float(sum(p.numel() for p in net.parameters())),
            "targets_per_epoch": float(plan.targets),
            "stopped_at_step": float(course.step),
        }
        | facts,
    )
