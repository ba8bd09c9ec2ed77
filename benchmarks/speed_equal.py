"""That the slow samples have our loss: `python speed_equal.py SAMPLES_FOLDER` prints one JSON line a cut.

The same weights, and the same targets: all those of some histories that fit in `max_history` whole, where
one pass and one sample a prefix are defined to be the same. In single precision, so that it is equal to
some 1e-6, not to the bit; the library's tests do it in double, with the gradients. A fresh net gives all
items nearly the same score whatever the history, so its weights are made larger first.
"""

import json
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from speed_plans import Cut, recut
from speed_rows import FULL, MAX_HISTORY, thesis
from speed_worker import Contender, net_of

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.sequencer import batch_loss
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.training.batches import BatchPlan
from hm_pipeline.training.losses import Objective
from hm_pipeline.training.windows import Windows

HISTORIES = 512
TOLERANCE = 1e-4
LARGER = 6.0  # the loss is then far from log V


def main() -> None:
    """Mean losses; an assertion fails where they differ by more than TOLERANCE."""
    samples = Samples.load(Path(sys.argv[1]))
    fits = np.flatnonzero(samples.train.lengths <= MAX_HISTORY + 1)
    share = float(samples.train.lengths[fits].sum()) / samples.targets
    some = samples.train.take(np.random.default_rng(0).choice(fits, min(HISTORIES, len(fits)), replace=False))
    net = outspoken(net_of(Contender("", thesis(FULL)), samples))
    plan = BatchPlan(Windows.one_pass(some, MAX_HISTORY), net.start_symbol, 512, 0.0, 0)
    objective = Objective.of(FULL, samples.counts)
    losses = {cut: mean_loss(net, objective, recut(plan, cut, some, MAX_HISTORY)) for cut in get_args(Cut)}
    for cut, loss in losses.items():
        assert abs(loss / losses["one_pass"] - 1) < TOLERANCE, losses
        print(json.dumps({"cut": cut, "loss": loss, "targets": plan.targets, "share": share}))


@torch.no_grad()
def outspoken(net: Sequencer) -> Sequencer:
    """The net with larger weights."""
    for parameter in net.parameters():
        parameter.mul_(LARGER)
    return net


@torch.no_grad()
def mean_loss(net: Sequencer, objective: Objective, plan: BatchPlan) -> float:
    """Over all targets of the plan."""
    batches = list(plan.batches(0))
    assert sum(len(batch.targets) for batch in batches) == plan.targets
    return sum(float(batch_loss(net, objective, b)) * len(b.targets) for b in batches) / plan.targets


if __name__ == "__main__":
    main()
