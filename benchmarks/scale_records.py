"""What was measured of a market's size, one JSON line each."""

from typing import Literal

from lines import Lines
from pydantic import TypeAdapter

from hm_pipeline.frozen import Frozen


class Stage(Frozen):
    """One part of a night in a process of its own."""

    record: Literal["stage"] = "stage"
    size: int  # millions of interactions that were asked for
    name: str  # "extract", "samples", "fit lstm", "lists lstm", "metrics"
    seconds: float  # of the part itself
    process_seconds: float  # of its process: imports, loading and saving too
    cpu_seconds: float  # of its process
    peak_mib: float  # of its process
    facts: dict[str, float]  # rows, users, items, targets; `done` of `all` where only a part was done


class Journal(Lines[Stage]):
    """What was measured, by question."""

    kind: TypeAdapter[Stage] = TypeAdapter(Stage)

    def stages(self) -> dict[tuple[str, int], Stage]:
        """The newest measurement of each stage and size."""
        return {(one.name, one.size): one for one in self.all()}
