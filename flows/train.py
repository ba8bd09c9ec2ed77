"""One model on the machines of its pool: the deployments `train/cpu` and `train/gpu`."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import flow
from prefect.concurrency.sync import concurrency

from hm_pipeline.config import Pool
from tasks.order import Order
from tasks.train import train


@flow(name="train", flow_run_name="{order.run.market}-{order.run.day}-{order.title}")
def train_model(order: Order) -> str:
    """Fit what is ordered and store it; the prefix where it lies.

    A model that lies there already is not fitted again, so a second run of an order costs nothing.
    """
    with _slot(order.pool, order.run.config.pools[order.pool]):
        return train(order).prefix


@contextmanager
def _slot(name: str, pool: Pool) -> Iterator[None]:
    """The pool's one place, where it has only one: a lease, so that a killed holder's comes back.

    The limits of pool and worker keep to one run as well; the slot also keeps a run out that a second
    worker, or somebody by hand, starts on the same machine.
    """
    if not pool.exclusive:
        yield
        return
    with concurrency(name, occupy=1, strict=True, raise_on_lease_renewal_failure=False):
        yield
