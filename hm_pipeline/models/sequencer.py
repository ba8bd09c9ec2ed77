"""Samples and a configuration to a trained sequence model."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import digest_of
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.fitting import EpochReport, FitContext, FitReport, Fitted
from hm_pipeline.models.recommender import Recommender
from hm_pipeline.models.sequencer_config import SequencerConfig
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.models.sequencer_recommender import SequencerRecommender
from hm_pipeline.training.batches import Batch, BatchPlan, Windows
from hm_pipeline.training.checkpoint import Checkpoints
from hm_pipeline.training.config import chosen
from hm_pipeline.training.course import Course, Orders
from hm_pipeline.training.loop import train
from hm_pipeline.training.losses import Objective


def fit_sequencer(config: SequencerConfig, samples: Samples, context: FitContext = FitContext()) -> Fitted:  # noqa: B008 - frozen
    """Train on `samples.train`, choose the epoch on the holdout `validation`, resume where it stopped.

    Raises EmptyWindowError where there is no target, DivergedError when the loss stops being a number.
    """
    net = net_of(config, samples)
    model = SequencerRecommender(net)
    plan = plan_of(config, samples, net)
    objective = Objective.of(chosen(config.training.loss, len(samples.items), on_gpu=False), samples.counts)
    course = train(
        net,
        lambda batch: batch_loss(net, objective, batch),
        plan,
        config.training,
        _orders(config, samples, context, model),
    )
    return Fitted(model, _report(course, plan, net))


def net_of(config: SequencerConfig, samples: Samples) -> Sequencer:
    """An untrained net for these items and users."""
    codes = {str(name): torch.from_numpy(samples.attributes[name].codes) for name in config.attributes}
    net = Sequencer(config, len(samples.items), len(samples.users), codes)
    if config.popularity_bias:
        net.start_at_shares(torch.from_numpy(samples.counts).float())
    return net


def load_sequencer(folder: Path, config: SequencerConfig) -> Recommender:
    """The model that `save` wrote into this folder."""
    return SequencerRecommender.load(folder, config)


def plan_of(config: SequencerConfig, samples: Samples, net: Sequencer) -> BatchPlan:
    """The batches of one-pass windows over the training histories."""
    t = config.training
    cut = Windows.both_ways if t.both_ways else Windows.one_pass
    windows = cut(samples.train, t.max_history)
    return BatchPlan(windows, net.start_symbol, t.batch_targets, t.unknown_user_share, t.seed, t.horizon)


def batch_loss(net: Sequencer, objective: Objective, batch: Batch) -> Tensor:
    """The mean loss over a batch's targets."""
    items, users = torch.from_numpy(batch.items), torch.from_numpy(batch.users)
    queries = net.encode(items, users, torch.from_numpy(batch.at), Noise(batch.seed))
    targets_TH = np.concatenate([batch.targets[:, None], batch.later], axis=1)
    return objective(queries, net, torch.from_numpy(targets_TH), batch.seed)


def _orders(
    config: SequencerConfig, samples: Samples, context: FitContext, model: SequencerRecommender
) -> Orders:
    """The context in the loop's own terms."""
    holdout = samples.holdouts.get("validation")
    identity = digest_of(config.fingerprint(), samples.digest, context.k, context.epochs)
    checkpoints = context.checkpoints
    return Orders(
        validate=(lambda: model.hit_rate(holdout, context.k))
        if holdout is not None and len(holdout)
        else None,
        checkpoints=Checkpoints(checkpoints, identity, context.on_checkpoint) if checkpoints else None,
        should_stop=context.should_stop,
        stop_at_step=context.stop_at_step,
        epochs=context.epochs,
        progress=context.progress,
        stage=f"train {config.kind}",
    )


def _report(course: Course, plan: BatchPlan, net: Sequencer) -> FitReport:
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
        },
    )
