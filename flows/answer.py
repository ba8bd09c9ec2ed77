"""Lists of some users on a pool's machines (`Shard.pool`): the deployments `answer/cpu` and `answer/gpu`."""

from prefect import flow

from flows.slot import slot
from tasks.cache import tidy
from tasks.listeners import outlive_the_worker
from tasks.lists import answer_shard
from tasks.shard import Shard


@flow(name="answer", flow_run_name="{shard.run.market}-{shard.run.day}-{shard.title}")
def answer(shard: Shard) -> str:
    """Make the lists and store them; the prefix where they lie. Those that lie there are not made again."""
    outlive_the_worker()
    tidy(shard.run.market)
    with slot(shard.pool, shard.run.config.pools[shard.pool]):
        return answer_shard(shard).prefix
