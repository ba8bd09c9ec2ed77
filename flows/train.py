"""One model on the machines of its pool: the deployments `train/cpu` and `train/gpu`."""

from prefect import flow

from flows.slot import slot
from hm_pipeline.storage import find
from tasks.cache import tidy
from tasks.listeners import outlive_the_worker
from tasks.order import Order
from tasks.settings import settings
from tasks.train import train


@flow(name="train", flow_run_name="{order.run.market}-{order.run.day}-{order.title}")
def train_model(order: Order) -> str:
    """Fit what is ordered and store it; the prefix where it lies.

    A model that lies there already is not fitted again, so a second run of an order costs nothing.
    """
    outlive_the_worker()
    tidy(order.run.market)
    if find(settings().storage, order.address) is not None:
        return order.address
    with slot(order.pool, order.run.config.pools[order.pool]):
        return train(order).prefix
