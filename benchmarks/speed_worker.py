"""The child process of one contender of ours: `python speed_worker.py ROW CONTENDER SAMPLES_FOLDER`.

It goes through the library's own loop: the same batches, loss, clipping and optimiser as `fit`; the gate
holds it between two steps. The contender named PEAK multiplies matrices instead.
"""

import sys
import time
from pathlib import Path

import torch
from speed_gate import Gate
from speed_plans import recut, spread
from speed_rows import PEAK, Contender, rows

from hm_pipeline.data.samples import Samples
from hm_pipeline.models.sequencer import batch_loss, plan_of
from hm_pipeline.models.sequencer_net import Sequencer
from hm_pipeline.training.batches import Batch, BatchPlan
from hm_pipeline.training.config import chosen
from hm_pipeline.training.course import Orders
from hm_pipeline.training.loop import train
from hm_pipeline.training.losses import Objective

SHAPES = ((1024,) * 3, (2048,) * 3, (4096,) * 3, (2048, 512, 2048), (2048, 512, 8192))  # rows, inner, columns
SECONDS_A_SHAPE = 0.5


def main() -> None:
    """Take turns until nobody asks any more."""
    row, name, folder = sys.argv[1:]
    gate = Gate(torch.set_num_threads)
    if name == PEAK:
        multiply(gate)
    contender = next(c for c in rows()[row].contenders if c.name == name)
    race(contender, Samples.load(Path(folder)), gate)


def race(contender: Contender, samples: Samples, gate: Gate) -> None:
    """Train for ever."""
    net = net_of(contender, samples)
    loss = contender.config.training.loss
    objective = Objective.of(chosen(loss, len(samples.items), on_gpu=False), samples.counts)
    seen: list[Batch] = []

    def step_loss(batch: Batch) -> torch.Tensor:
        seen[:] = [batch]
        return batch_loss(net, objective, batch)

    def stand() -> bool:
        items = seen[0].items
        positions = int((items != 0).sum())
        return gate.step(targets=len(seen[0].targets), positions=positions, cells=items.numel())

    plan = plan_for(contender, samples, net)
    train(net, step_loss, plan, contender.config.training, Orders(should_stop=stand))


def net_of(contender: Contender, samples: Samples) -> Sequencer:
    """With a row for each user, or for many more."""
    users = (len(samples.users) - 1) * contender.user_stride + 1
    return Sequencer(contender.config, len(samples.items), users)


def plan_for(contender: Contender, samples: Samples, net: Sequencer) -> BatchPlan:
    """The library's plan, its targets cut as the contender has it."""
    plan = plan_of(contender.config, samples, net)
    plan = recut(plan, contender.cut, samples.train, contender.config.training.max_history)
    return spread(plan, contender.user_stride)


def multiply(gate: Gate) -> None:
    """The machine's matrix peak: the best of several products in single precision."""
    gate.next_order()
    while True:
        rate = max(_best(*shape) for shape in SHAPES)
        gate.answer({"gflop_rate": rate})
        gate.next_order()


def _best(m: int, k: int, n: int) -> float:
    """GFLOP/s of the fastest of the products that fit in the time."""
    a, b, out = torch.randn(m, k), torch.randn(n, k), torch.empty(m, n)
    best, until = float("inf"), time.perf_counter() + SECONDS_A_SHAPE
    while time.perf_counter() < until:
        started = time.perf_counter()
        torch.mm(a, b.T, out=out)
        best = min(best, time.perf_counter() - started)
    return 2 * m * k * n / best / 1e9


if __name__ == "__main__":
    main()
