"""What was measured of looking up nearest items, one JSON line each."""

from collections.abc import Mapping

from lines import Lines
from pydantic import Field, TypeAdapter

from hm_pipeline.frozen import Frozen


class Reading(Frozen):
    """One contender at one setting, in a process of its own, beside the product in the same process."""

    run: str
    catalogue: str
    items: int
    width: int
    contender: str
    setting: str  # how widely it looks; "" where there is nothing to set
    recall: float  # of the exact best 14, over 1,000 users
    users: int
    seconds: float  # wall clock of all their lists, the best of the rounds
    product_seconds: float  # of the bare product of the same users, in turns with them
    cpu: float  # seconds of all threads, which another busy process leaves nearly as they are
    product_cpu: float
    build_seconds: float
    peak_mib: float  # of the whole process, Python and vectors included
    threads: int = Field(ge=1)

    @property
    def of_product(self) -> float:
        """Users a second beside the product's."""
        return self.product_seconds / self.seconds


class Journal(Lines[Reading]):
    """What was measured."""

    kind: TypeAdapter[Reading] = TypeAdapter(Reading)

    def newest(self) -> Mapping[tuple[str, str], Reading]:
        """The last setting of each catalogue and contender: the one that found enough, or the widest."""
        return {(r.catalogue, r.contender): r for r in self.all()}
