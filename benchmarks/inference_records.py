"""What was measured of answering, one JSON line each."""

from typing import Annotated, Literal

from lines import Lines
from pydantic import Field, TypeAdapter

from hm_pipeline.frozen import Frozen

Contender = Literal["product", "ours", "product, top k"]


class Turn(Frozen):
    """One contender in one round of blocks."""

    record: Literal["turn"] = "turn"
    run: str  # ratios are taken inside it
    contender: Contender
    number: int
    users: int
    cpu: float  # seconds


class Held(Frozen):
    """What the lists of so many users took at most, above what stood before."""

    record: Literal["held"] = "held"
    run: str
    users: int
    mib: float
    cpu: float  # seconds of all lists


class Done(Frozen):
    """A catalogue is complete."""

    record: Literal["done"] = "done"
    run: str
    items: int
    width: int  # of a query
    users: int


Record = Annotated[Turn | Held | Done, Field(discriminator="record")]


class Journal(Lines[Record]):
    """What was measured, by question."""

    kind: TypeAdapter[Record] = TypeAdapter(Record)

    def done(self) -> dict[tuple[int, int], Done]:
        """The newest complete run of each catalogue and width."""
        return {(r.items, r.width): r for r in self.all() if isinstance(r, Done)}

    def turns(self, run: str) -> list[Turn]:
        """All of a run."""
        return [r for r in self.all() if isinstance(r, Turn) and r.run == run]

    def held(self, run: str) -> dict[int, Held]:
        """By the number of users."""
        return {r.users: r for r in self.all() if isinstance(r, Held) and r.run == run}
