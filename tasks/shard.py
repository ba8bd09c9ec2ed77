"""Users whose lists are wanted, as a value: who asks and who answers agree on where they will lie.

Ranges end where the library's own blocks of rows end, so that the lists are the same whoever makes them.
"""

import math
from itertools import pairwise

from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.retrieval.answer import BLOCK_ROWS
from tasks.run import Run
from tasks.stage import Stored, address

ROOMS = ("data", "index", "models", "retrieval")
STAGE = "shard"


class Shard(Frozen):
    """Answer the users of rows first … stop - 1, with the release in office."""

    run: Run
    everything: Stored[Samples]
    ref: ModelRef
    first: int
    stop: int

    @property
    def title(self) -> str:
        """How a person calls it."""
        return f"lists of {self.ref.kind}, users {self.first + 1:,} to {self.stop:,}"

    @property
    def pool(self) -> str:
        """Where its model trains, or where one at a time does, another: to answer is work for a CPU."""
        pools, own = self.run.config.pools, self.run.config.pool_name_of(self.ref.kind)
        shared = (name for name, pool in pools.items() if not pool.exclusive)
        return next(shared, own) if pools[own].exclusive else own

    @property
    def made_from(self) -> list[object]:
        """Everything that these lists depend on besides the code."""
        return [*self.asked, self.first, self.stop]

    @property
    def asked(self) -> list[object]:
        """The same for everybody's."""
        publish = self.run.config.publish
        return [self.everything.prefix, self.ref.uri, publish.k, publish.exclude_seen]

    @property
    def address(self) -> str:
        """Where the lists will lie."""
        return address(self.run, STAGE, self.made_from, ROOMS)


def shards(run: Run, everything: Stored[Samples], ref: ModelRef) -> list[Shard]:
    """All users in `publish.shards` ranges, or one a block where there are fewer; sizes differ by a block."""
    edges = _edges(everything.facts["users"], run.config.publish.shards)
    return [
        Shard(run=run, everything=everything, ref=ref, first=first, stop=stop)
        for first, stop in pairwise(edges)
    ]


def _edges(users: int, most: int) -> list[int]:
    """Where ranges begin, and where the last one ends: whole blocks, but for the last of all."""
    blocks = math.ceil(users / BLOCK_ROWS)
    ranges = min(most, blocks)
    return [blocks * number // ranges * BLOCK_ROWS for number in range(ranges)] + [users]
